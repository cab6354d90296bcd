//! What the reconciler is told: checkouts that should have ended.

use std::time::{Duration, SystemTime};

use bson::oid::ObjectId;
use reen_error::{Code, Failure};
use reen_proto::checkout::v1::{
    CheckoutSession, CompleteCheckoutRequest, ListUnsettledRequest, RecordPaymentRequest, Status,
    UnsettledCheckout,
};
use reen_testkit::code;

use crate::support::stripe::session_id;
use crate::support::{MINUTE, Shop, operation};

const HOUR: Duration = Duration::from_secs(3_600);

/// Those whose time comes before `before`.
fn until(before: SystemTime) -> ListUnsettledRequest {
    ListUnsettledRequest {
        before: Some(before.into()),
        limit: 1_000,
        from: None,
    }
}

/// A moment at which every page is closed.
fn tomorrow() -> SystemTime {
    SystemTime::now() + 24 * HOUR
}

async fn unsettled(
    shop: &Shop,
    asked: ListUnsettledRequest,
) -> Result<Vec<UnsettledCheckout>, Failure> {
    let mut reconciler = shop.called_by("events-handler");
    let answer = reconciler.list_unsettled(asked).await?;
    Ok(answer.into_inner().checkouts)
}

async fn pay(shop: &Shop, checkout: &CheckoutSession) {
    let payment = RecordPaymentRequest {
        operation: operation(&checkout.id, "record-payment", 1),
        checkout_id: checkout.id.clone(),
        stripe_session_id: session_id(checkout),
        payment_intent_id: format!("pi_{}", checkout.id),
        amount_cents: checkout.total_cents,
        currency: checkout.currency.clone(),
    };
    let mut saga = shop.called_by("events-handler");
    saga.record_payment(payment).await.unwrap();
}

async fn complete(shop: &Shop, checkout: &CheckoutSession) {
    let completion = CompleteCheckoutRequest {
        operation: operation(&checkout.id, "complete-checkout", 1),
        checkout_id: checkout.id.clone(),
        order_id: "o_1".to_owned(),
    };
    let mut saga = shop.called_by("events-handler");
    saga.complete_checkout(completion).await.unwrap();
}

#[tokio::test]
async fn what_was_paid_and_what_is_past_its_time_is_listed_oldest_first() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let open = shop.open(buyer).await.unwrap();
    let paid = shop.open(buyer).await.unwrap();
    pay(&shop, &paid).await;

    let listed = unsettled(&shop, until(tomorrow())).await.unwrap();
    let expected = [(&paid, Status::Paid), (&open, Status::Open)];
    assert_eq!(listed.len(), expected.len(), "{listed:?}");
    for (listed, (checkout, status)) in listed.iter().zip(expected) {
        assert_eq!(listed.checkout_id, checkout.id);
        assert_eq!(listed.status(), status);
        assert_eq!(listed.stripe_session_id, session_id(checkout));
    }
    assert_eq!(listed[1].since, open.expires_at);
}

#[tokio::test]
async fn what_has_time_left_or_has_ended_is_not_listed() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    shop.open(buyer).await.unwrap();
    let completed = shop.open(buyer).await.unwrap();
    pay(&shop, &completed).await;
    complete(&shop, &completed).await;
    let in_time = unsettled(&shop, until(SystemTime::now() + 10 * MINUTE)).await;
    assert_eq!(in_time.unwrap(), []);

    let canceled = shop.open(buyer).await.unwrap();
    shop.cancel(buyer, &canceled.id).await.unwrap();
    let listed = unsettled(&shop, until(tomorrow())).await.unwrap();
    let ended = [&completed.id, &canceled.id];
    assert_eq!(listed.len(), 1);
    assert!(!ended.contains(&&listed[0].checkout_id), "{listed:?}");
}

#[tokio::test]
async fn a_long_list_is_taken_up_where_it_ended() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    for _ in 0..3 {
        let checkout = shop.open(buyer).await.unwrap();
        pay(&shop, &checkout).await;
    }
    let whole = unsettled(&shop, until(tomorrow())).await.unwrap();
    assert_eq!(whole.len(), 3);

    let mut first = until(tomorrow());
    first.limit = 2;
    let first = unsettled(&shop, first).await.unwrap();
    assert_eq!(first, whole[..2]);
    let mut rest = until(tomorrow());
    rest.from = first[1].since;
    let rest = unsettled(&shop, rest).await.unwrap();
    assert!(rest.ends_with(&whole[2..]), "{rest:?}");
    assert!(!rest.contains(&whole[0]), "{rest:?}");
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused() {
    let shop = Shop::start().await;
    let endless = ListUnsettledRequest::default();
    let none = ListUnsettledRequest {
        limit: 0,
        ..until(tomorrow())
    };
    let too_many = ListUnsettledRequest {
        limit: 1_001,
        ..until(tomorrow())
    };
    for asked in [endless, none, too_many] {
        assert_eq!(code(unsettled(&shop, asked).await), Code::ValidationFailed);
    }
}

#[tokio::test]
async fn only_the_reconciler_may_ask() {
    let shop = Shop::start().await;
    let mut gateway = shop.called_by("gateway");
    let refused = gateway.list_unsettled(until(tomorrow())).await;
    assert_eq!(code(refused), Code::UnknownCaller);
}
