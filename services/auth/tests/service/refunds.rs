use futures::future::join_all;
use reen_error::Code;
use reen_proto::auth::v1::PostRefundRequest;
use reen_testkit::{body, code, saga_operation};

use crate::support::{
    Auth, STARTING_CENTS, check_books, fee, fields, nobody, refund, sale, sale_reversal,
};

/// A buyer and two sellers, after a sale of 7.00 and 3.00.
async fn after_a_sale(auth: &Auth) -> [String; 3] {
    let buyer = auth.buyer("ada").await;
    let (eve, bob) = (auth.buyer("eve").await, auth.buyer("bob").await);
    let sale = sale("sale", &buyer, &[(&eve, 700), (&bob, 300)]);
    body(auth.sagas().post_sale(sale).await);
    [buyer, eve, bob]
}

#[tokio::test]
async fn each_seller_gives_back_and_the_buyer_gets_it_once() {
    let auth = Auth::start().await;
    let [buyer, eve, bob] = after_a_sale(&auth).await;
    let refund = refund("refund", &buyer, &[(&eve, 200), (&bob, 300)]);
    let repeats = (0..6).map(|_| {
        let (mut sagas, refund) = (auth.sagas(), refund.clone());
        async move { body(sagas.post_refund(refund).await) }
    });
    join_all(repeats).await;
    assert_eq!(auth.sums(&buyer).await, (STARTING_CENTS - 500, 0, 500));
    assert_eq!(auth.sums(&eve).await, (STARTING_CENTS + 500, 500, 0));
    assert_eq!(auth.sums(&bob).await, (STARTING_CENTS, 0, 0));
    check_books(&auth.database).await;
}

#[tokio::test]
async fn the_same_refund_of_two_sagas_is_posted_once() {
    let auth = Auth::start().await;
    let [buyer, eve, _] = after_a_sale(&auth).await;
    for saga in ["one", "another"] {
        let refund = PostRefundRequest {
            operation: saga_operation("refund", saga, 1),
            ..refund("refund", &buyer, &[(&eve, 200)])
        };
        body(auth.sagas().post_refund(refund).await);
    }
    assert_eq!(auth.sums(&eve).await, (STARTING_CENTS + 500, 500, 0));
    let other = refund("refund", &buyer, &[(&eve, 201)]);
    let refused = auth.sagas().post_refund(other).await;
    assert_eq!(code(refused), Code::ValidationFailed);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn what_a_seller_has_not_any_more_is_a_debt() {
    let auth = Auth::start_with(500).await;
    let (buyer, seller) = (auth.buyer("ada").await, auth.buyer("eve").await);
    let sale = sale("sale", &buyer, &[(&seller, 400)]);
    body(auth.sagas().post_sale(sale).await);
    body(auth.products().charge_fee(fee("fee", &seller, 900)).await);
    let refund = refund("refund", &buyer, &[(&seller, 400)]);
    body(auth.sagas().post_refund(refund).await);
    assert_eq!(auth.sums(&seller).await, (-400, 0, 900));
    assert_eq!(auth.sums(&buyer).await, (500, 0, 0));
    let refused = auth.products().charge_fee(fee("more", &seller, 1)).await;
    assert_eq!(code(refused), Code::InsufficientBalance);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn who_is_gone_keeps_the_legs() {
    let auth = Auth::start().await;
    let (buyer, gone) = (auth.buyer("ada").await, nobody());
    let sale = sale("sale", &buyer, &[(&gone, 700)]);
    body(auth.sagas().post_sale(sale).await);
    let refund = refund("refund", &buyer, &[(&gone, 700)]);
    body(auth.sagas().post_refund(refund).await);
    assert_eq!(auth.sums(&buyer).await, (STARTING_CENTS, 0, 0));
    check_books(&auth.database).await;
}

#[tokio::test]
async fn a_refund_is_final() {
    let auth = Auth::start().await;
    let [buyer, eve, _] = after_a_sale(&auth).await;
    body(
        auth.sagas()
            .post_refund(refund("refund", &buyer, &[(&eve, 200)]))
            .await,
    );
    let refused = auth.sagas().reverse_sale(sale_reversal("refund")).await;
    assert_eq!(code(refused), Code::ValidationFailed);
    assert_eq!(auth.sums(&eve).await, (STARTING_CENTS + 500, 500, 0));
}

#[tokio::test]
async fn a_stale_runner_posts_nothing() {
    let auth = Auth::start().await;
    let [buyer, eve, _] = after_a_sale(&auth).await;
    let of_epoch = |id: &str, epoch| PostRefundRequest {
        operation: saga_operation(id, "saga", epoch),
        ..refund(id, &buyer, &[(&eve, 100)])
    };
    body(auth.sagas().post_refund(of_epoch("first", 5)).await);
    let stale = auth.sagas().post_refund(of_epoch("second", 4)).await;
    assert_eq!(code(stale), Code::StaleEpoch);
    assert_eq!(auth.sums(&eve).await, (STARTING_CENTS + 600, 600, 0));
}

#[tokio::test]
async fn what_is_not_a_refund_is_refused() {
    let auth = Auth::start().await;
    let [buyer, eve, _] = after_a_sale(&auth).await;
    let of = |total_cents, shares: &[(&str, i64)]| PostRefundRequest {
        total_cents,
        ..refund("refund", &buyer, shares)
    };
    let cases = [
        (of(801, &[(&eve, 800)]), "shares", "sum_mismatch"),
        (of(0, &[]), "amountCents", "too_small"),
        (
            of(100, &[(&eve, 200), (&buyer, -100)]),
            "amountCents",
            "too_small",
        ),
        (
            of(i64::MAX, &[(&eve, i64::MAX)]),
            "amountCents",
            "too_large",
        ),
        (of(800, &[("eve", 800)]), "shares.sellerId", "not_an_id"),
    ];
    for (request, field, word) in cases {
        let refused = auth.sagas().post_refund(request).await;
        assert_eq!(fields(refused), [(field.to_owned(), word.to_owned())]);
    }
    assert!(auth.posting("refund").await.is_none());
}
