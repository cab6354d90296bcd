use bson::doc;
use bson::oid::ObjectId;
use futures::future::join_all;
use reen_error::Code;
use reen_proto::auth::v1::{ChargeFeeRequest, FeeKind, ReverseFeeRequest, Role};
use reen_testkit::{body, code, saga_operation};

use crate::support::{Auth, STARTING_CENTS, check_books, fee, fee_reversal, fields, nobody, sale};

const UPGRADE_CENTS: i64 = 16_000_000;

#[tokio::test]
async fn a_fee_is_paid_from_the_balance_and_a_repeat_pays_nothing() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let left = body(auth.products().charge_fee(fee("fee", &id, 400)).await);
    assert_eq!(left.balance_cents, STARTING_CENTS - 400);
    body(auth.products().charge_fee(fee("other", &id, 1)).await);
    let again = body(auth.products().charge_fee(fee("fee", &id, 400)).await);
    assert_eq!(again, left);
    assert_eq!(auth.sums(&id).await, (STARTING_CENTS - 401, 0, 401));
    let posting = auth.posting("fee").await.unwrap();
    assert_eq!(posting.get_str("saga").unwrap(), "fee");
    assert_eq!(posting.get_str("kind").unwrap(), "listing_fee");
    check_books(&auth.database).await;
}

#[tokio::test]
async fn repeats_at_the_same_moment_pay_once() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let charges = join_all((0..8).map(|_| {
        let mut products = auth.products();
        let fee = fee("fee", &id, 400);
        async move { body(products.charge_fee(fee).await).balance_cents }
    }));
    assert_eq!(charges.await, [STARTING_CENTS - 400; 8]);
    assert_eq!(auth.sums(&id).await, (STARTING_CENTS - 400, 0, 400));
    check_books(&auth.database).await;
}

#[tokio::test]
async fn the_role_that_is_asked_for_must_be_there() {
    let auth = Auth::start().await;
    let (buyer, seller) = (auth.buyer("ada").await, auth.seller("eve").await);
    let charge = |id: &str, operation: &str, amount_cents| ChargeFeeRequest {
        required_role: Role::Seller.into(),
        ..fee(operation, id, amount_cents)
    };
    for cents in [0, 5] {
        let refused = auth.products().charge_fee(charge(&buyer, "a", cents)).await;
        assert_eq!(code(refused), Code::Forbidden);
    }
    let left = STARTING_CENTS - UPGRADE_CENTS;
    let free = body(auth.products().charge_fee(charge(&seller, "b", 0)).await);
    assert_eq!(free.balance_cents, left);
    assert!(auth.posting("b").await.is_none());
    let paid = body(auth.products().charge_fee(charge(&seller, "c", 5)).await);
    assert_eq!(paid.balance_cents, left - 5);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn more_than_the_balance_is_refused_and_can_be_tried_again() {
    let auth = Auth::start_with(1_000).await;
    let id = auth.buyer("ada").await;
    let refused = auth.products().charge_fee(fee("fee", &id, 1_001)).await;
    assert_eq!(code(refused), Code::InsufficientBalance);
    assert!(auth.posting("fee").await.is_none());
    let left = body(auth.products().charge_fee(fee("fee", &id, 1_000)).await);
    assert_eq!(left.balance_cents, 0);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn concurrent_fees_never_overdraw() {
    let auth = Auth::start_with(1_000).await;
    let id = auth.buyer("ada").await;
    let charges = join_all((0..8).map(|number| {
        let mut products = auth.products();
        let fee = fee(&format!("fee-{number}"), &id, 300);
        async move { products.charge_fee(fee).await }
    }));
    let (paid, refused): (Vec<_>, Vec<_>) = charges.await.into_iter().partition(Result::is_ok);
    assert_eq!(paid.len(), 3);
    for charge in refused {
        assert_eq!(code(charge), Code::InsufficientBalance);
    }
    assert_eq!(auth.sums(&id).await, (100, 0, 900));
    check_books(&auth.database).await;
}

#[tokio::test]
async fn a_fee_is_given_back_once_and_never_charged_again() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    body(auth.products().charge_fee(fee("fee", &id, 400)).await);
    for _ in 0..2 {
        body(auth.products().reverse_fee(fee_reversal("fee")).await);
    }
    assert_eq!(auth.sums(&id).await, (STARTING_CENTS, 0, 0));
    let again = auth.products().charge_fee(fee("fee", &id, 400)).await;
    assert_eq!(code(again), Code::OperationVoided);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn a_fee_that_was_given_back_before_it_was_charged_never_is() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    for _ in 0..2 {
        body(auth.products().reverse_fee(fee_reversal("fee")).await);
    }
    for cents in [400, 0] {
        let late = auth.products().charge_fee(fee("fee", &id, cents)).await;
        assert_eq!(code(late), Code::OperationVoided);
    }
    assert_eq!(auth.sums(&id).await, (STARTING_CENTS, 0, 0));
    check_books(&auth.database).await;
}

#[tokio::test]
async fn a_charge_of_an_earlier_epoch_is_stale() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let reversal = ReverseFeeRequest {
        operation: saga_operation("fee-reversal", "fee", 2),
        fee_operation_id: "fee".to_owned(),
    };
    body(auth.products().reverse_fee(reversal).await);
    let late = auth.products().charge_fee(fee("fee", &id, 400)).await;
    assert_eq!(code(late), Code::StaleEpoch);
    assert_eq!(auth.sums(&id).await, (STARTING_CENTS, 0, 0));
}

#[tokio::test]
async fn an_id_means_one_thing() {
    let auth = Auth::start().await;
    let (ada, eve) = (auth.buyer("ada").await, auth.buyer("eve").await);
    body(auth.products().charge_fee(fee("one", &ada, 400)).await);
    let taken = [("operation.id".to_owned(), "taken".to_owned())];
    for other in [fee("one", &ada, 401), fee("one", &eve, 400)] {
        assert_eq!(fields(auth.products().charge_fee(other).await), taken);
    }
    let other = auth
        .sagas()
        .post_sale(sale("one", &ada, &[(&eve, 400)]))
        .await;
    assert_eq!(fields(other), taken);
    let other = ReverseFeeRequest {
        operation: saga_operation("one", "two", 1),
        fee_operation_id: "two".to_owned(),
    };
    body(auth.products().charge_fee(fee("two", &ada, 1)).await);
    assert_eq!(fields(auth.products().reverse_fee(other).await), taken);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn what_is_not_a_fee_is_refused() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let good = fee("fee", &id, 400);
    let with_amount = |amount_cents| ChargeFeeRequest {
        amount_cents,
        ..good.clone()
    };
    let cases = [
        (with_amount(-1), "amountCents", "too_small"),
        (with_amount(i64::MIN), "amountCents", "too_small"),
        (with_amount(i64::MAX), "amountCents", "too_large"),
        (
            ChargeFeeRequest {
                kind: FeeKind::Unspecified.into(),
                ..good.clone()
            },
            "kind",
            "not_in_list",
        ),
        (
            ChargeFeeRequest {
                user_id: "ada".to_owned(),
                ..good.clone()
            },
            "userId",
            "not_an_id",
        ),
        (
            ChargeFeeRequest {
                operation: None,
                ..good.clone()
            },
            "operation",
            "required",
        ),
    ];
    for (request, field, word) in cases {
        let refused = auth.products().charge_fee(request).await;
        assert_eq!(fields(refused), [(field.to_owned(), word.to_owned())]);
    }
    let refused = auth.products().charge_fee(fee("fee", &nobody(), 400)).await;
    assert_eq!(code(refused), Code::Unauthenticated);
    let refused = auth
        .products()
        .reverse_fee(ReverseFeeRequest {
            operation: saga_operation("a", "a", 1),
            fee_operation_id: String::new(),
        })
        .await;
    assert_eq!(fields(refused)[0].0, "feeOperationId");
}

#[tokio::test]
async fn an_account_that_can_hold_no_more_refuses() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let this = doc! {"_id": ObjectId::parse_str(&id).unwrap()};
    let full = doc! {"$set": {"amountSpentCents": i64::MAX - 10}};
    auth.users().update_one(this, full).await.unwrap();
    let refused = auth.products().charge_fee(fee("fee", &id, 11)).await;
    assert_eq!(
        fields(refused),
        [("amountCents".to_owned(), "too_large".to_owned())]
    );
    assert!(auth.posting("fee").await.is_none());
    body(auth.products().charge_fee(fee("fee", &id, 10)).await);
}
