use futures::future::join_all;
use reen_error::Code;
use reen_proto::auth::v1::{PostSaleRequest, ReverseSaleRequest};
use reen_testkit::{body, code, saga_operation};

use crate::support::{Auth, STARTING_CENTS, check_books, fee, fields, nobody, sale, sale_reversal};

#[tokio::test]
async fn the_buyer_pays_and_each_seller_gains() {
    let auth = Auth::start().await;
    let buyer = auth.buyer("ada").await;
    let (eve, bob) = (auth.buyer("eve").await, auth.buyer("bob").await);
    let sale = sale("sale", &buyer, &[(&eve, 700), (&bob, 300)]);
    for _ in 0..2 {
        body(auth.sagas().post_sale(sale.clone()).await);
    }
    assert_eq!(auth.sums(&buyer).await, (STARTING_CENTS - 1_000, 0, 1_000));
    assert_eq!(auth.sums(&eve).await, (STARTING_CENTS + 700, 700, 0));
    assert_eq!(auth.sums(&bob).await, (STARTING_CENTS + 300, 300, 0));
    check_books(&auth.database).await;
}

#[tokio::test]
async fn who_buys_their_own_is_charged_and_credited() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    body(
        auth.sagas()
            .post_sale(sale("sale", &id, &[(&id, 900)]))
            .await,
    );
    assert_eq!(auth.sums(&id).await, (STARTING_CENTS, 900, 900));
    body(auth.sagas().reverse_sale(sale_reversal("sale")).await);
    assert_eq!(auth.sums(&id).await, (STARTING_CENTS, 0, 0));
    check_books(&auth.database).await;
}

#[tokio::test]
async fn a_sale_that_was_paid_is_posted_below_zero() {
    let auth = Auth::start_with(500).await;
    let (buyer, seller) = (auth.buyer("ada").await, auth.buyer("eve").await);
    body(
        auth.sagas()
            .post_sale(sale("sale", &buyer, &[(&seller, 800)]))
            .await,
    );
    assert_eq!(auth.sums(&buyer).await, (-300, 0, 800));
    let refused = auth.products().charge_fee(fee("fee", &buyer, 1)).await;
    assert_eq!(code(refused), Code::InsufficientBalance);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn those_who_are_gone_keep_their_legs() {
    let auth = Auth::start().await;
    let buyer = auth.buyer("ada").await;
    let (gone, other) = (nobody(), nobody());
    body(
        auth.sagas()
            .post_sale(sale("a", &buyer, &[(&gone, 70)]))
            .await,
    );
    body(
        auth.sagas()
            .post_sale(sale("b", &other, &[(&gone, 30)]))
            .await,
    );
    assert_eq!(auth.sums(&buyer).await, (STARTING_CENTS - 70, 0, 70));
    for id in ["a", "b"] {
        let legs = auth
            .posting(id)
            .await
            .unwrap()
            .get_array("legs")
            .unwrap()
            .len();
        assert_eq!(legs, 2);
        body(auth.sagas().reverse_sale(sale_reversal(id)).await);
    }
    check_books(&auth.database).await;
}

#[tokio::test]
async fn a_reversal_takes_back_exactly_once() {
    let auth = Auth::start().await;
    let (buyer, seller) = (auth.buyer("ada").await, auth.buyer("eve").await);
    let sale = sale("sale", &buyer, &[(&seller, 800)]);
    body(auth.sagas().post_sale(sale.clone()).await);
    let reversals = (0..6).map(|_| {
        let mut sagas = auth.sagas();
        async move { body(sagas.reverse_sale(sale_reversal("sale")).await) }
    });
    join_all(reversals).await;
    for id in [&buyer, &seller] {
        assert_eq!(auth.sums(id).await, (STARTING_CENTS, 0, 0));
    }
    let again = auth.sagas().post_sale(sale).await;
    assert_eq!(code(again), Code::OperationVoided);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn a_sale_that_was_undone_before_it_was_posted_never_is() {
    let auth = Auth::start().await;
    let (buyer, seller) = (auth.buyer("ada").await, auth.buyer("eve").await);
    for _ in 0..2 {
        body(auth.sagas().reverse_sale(sale_reversal("sale")).await);
    }
    let late = auth
        .sagas()
        .post_sale(sale("sale", &buyer, &[(&seller, 800)]))
        .await;
    assert_eq!(code(late), Code::OperationVoided);
    assert_eq!(auth.sums(&seller).await, (STARTING_CENTS, 0, 0));
    check_books(&auth.database).await;
}

#[tokio::test]
async fn a_stale_runner_posts_and_reverses_nothing() {
    let auth = Auth::start().await;
    let (buyer, seller) = (auth.buyer("ada").await, auth.buyer("eve").await);
    let of_epoch = |id: &str, epoch| PostSaleRequest {
        operation: saga_operation(id, "saga", epoch),
        ..sale(id, &buyer, &[(&seller, 800)])
    };
    body(auth.sagas().post_sale(of_epoch("first", 5)).await);
    let stale = auth.sagas().post_sale(of_epoch("second", 4)).await;
    assert_eq!(code(stale), Code::StaleEpoch);
    let stale = auth
        .sagas()
        .reverse_sale(ReverseSaleRequest {
            operation: saga_operation("undo", "saga", 4),
            sale_operation_id: "first".to_owned(),
        })
        .await;
    assert_eq!(code(stale), Code::StaleEpoch);
    assert_eq!(auth.sums(&seller).await, (STARTING_CENTS + 800, 800, 0));
    check_books(&auth.database).await;
}

#[tokio::test]
async fn what_is_not_a_sale_is_refused() {
    let auth = Auth::start().await;
    let (buyer, seller) = (auth.buyer("ada").await, auth.buyer("eve").await);
    let of = |total_cents, shares: &[(&str, i64)]| PostSaleRequest {
        total_cents,
        ..sale("sale", &buyer, shares)
    };
    let cases = [
        (of(801, &[(&seller, 800)]), "shares", "sum_mismatch"),
        (of(800, &[]), "shares", "sum_mismatch"),
        (of(0, &[]), "amountCents", "too_small"),
        (
            of(100, &[(&seller, 200), (&buyer, -100)]),
            "amountCents",
            "too_small",
        ),
        (
            of(i64::MAX, &[(&seller, i64::MAX)]),
            "amountCents",
            "too_large",
        ),
        (of(800, &[("eve", 800)]), "shares.sellerId", "not_an_id"),
    ];
    for (request, field, word) in cases {
        let refused = auth.sagas().post_sale(request).await;
        assert_eq!(fields(refused), [(field.to_owned(), word.to_owned())]);
    }
    assert!(auth.posting("sale").await.is_none());
}

#[tokio::test]
async fn a_fee_is_not_reversed_as_a_sale() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    body(auth.products().charge_fee(fee("fee", &id, 400)).await);
    let refused = auth.sagas().reverse_sale(sale_reversal("fee")).await;
    assert_eq!(code(refused), Code::ValidationFailed);
    assert_eq!(auth.sums(&id).await, (STARTING_CENTS - 400, 0, 400));
}
