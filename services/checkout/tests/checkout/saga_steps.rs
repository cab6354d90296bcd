//! What the sagas of events-handler do to a checkout, each step repeated, late, stale and wrong.

use bson::oid::ObjectId;
use reen_error::{Code, Failure};
use reen_proto::checkout::v1::{
    CheckoutSession, CompleteCheckoutRequest, ExpireCheckoutRequest, RecordPaymentRequest,
    RecordRefundRequest, Status,
};
use reen_testkit::code;
use tokio::task::JoinSet;

use crate::support::peers::HoldState;
use crate::support::{Shop, operation};

const REFUND: &str = "re_1";

fn payment(checkout: &CheckoutSession, intent: &str) -> RecordPaymentRequest {
    RecordPaymentRequest {
        operation: operation(&checkout.id, "record-payment", 1),
        checkout_id: checkout.id.clone(),
        stripe_session_id: "cs_1".to_owned(),
        payment_intent_id: intent.to_owned(),
        amount_cents: checkout.total_cents,
        currency: "usd".to_owned(),
    }
}

fn completion(checkout_id: &str, order_id: &str, epoch: i64) -> CompleteCheckoutRequest {
    CompleteCheckoutRequest {
        operation: operation(checkout_id, &format!("complete/{order_id}"), epoch),
        checkout_id: checkout_id.to_owned(),
        order_id: order_id.to_owned(),
    }
}

fn expiry(checkout_id: &str, epoch: i64) -> ExpireCheckoutRequest {
    ExpireCheckoutRequest {
        operation: operation(checkout_id, "expire", epoch),
        checkout_id: checkout_id.to_owned(),
    }
}

fn refund(checkout_id: &str, refund_id: &str, epoch: i64) -> RecordRefundRequest {
    RecordRefundRequest {
        operation: operation(checkout_id, &format!("undo/{refund_id}"), epoch),
        checkout_id: checkout_id.to_owned(),
        refund_id: refund_id.to_owned(),
    }
}

impl Shop {
    async fn record_payment(
        &self,
        payment: RecordPaymentRequest,
    ) -> Result<CheckoutSession, Failure> {
        let answer = self
            .called_by("events-handler")
            .record_payment(payment)
            .await?;
        Ok(answer.into_inner().checkout.unwrap())
    }

    async fn complete(&self, completion: CompleteCheckoutRequest) -> Result<(), Failure> {
        let mut saga = self.called_by("events-handler");
        saga.complete_checkout(completion).await?;
        Ok(())
    }

    async fn expire(&self, expiry: ExpireCheckoutRequest) -> Result<(), Failure> {
        self.called_by("events-handler")
            .expire_checkout(expiry)
            .await?;
        Ok(())
    }

    async fn record_refund(&self, refund: RecordRefundRequest) -> Result<(), Failure> {
        self.called_by("events-handler")
            .record_refund(refund)
            .await?;
        Ok(())
    }
}

/// A buyer with an open checkout.
async fn opened(shop: &Shop) -> (ObjectId, CheckoutSession) {
    let buyer = ObjectId::new();
    (buyer, shop.open(buyer).await.unwrap())
}

async fn paid(shop: &Shop) -> (ObjectId, CheckoutSession) {
    let (buyer, checkout) = opened(shop).await;
    let recorded = shop.record_payment(payment(&checkout, "pi_1")).await;
    (buyer, recorded.unwrap())
}

#[tokio::test]
async fn a_payment_is_recorded_once_and_answers_what_was_bought() {
    let shop = Shop::start().await;
    let (buyer, checkout) = opened(&shop).await;
    let recorded = shop
        .record_payment(payment(&checkout, "pi_1"))
        .await
        .unwrap();
    assert_eq!(recorded.status(), Status::Paid);
    assert_eq!(recorded.user_id, buyer.to_hex());
    assert_eq!(recorded.lines, checkout.lines);
    assert_eq!(recorded.stripe_session_url, "");

    let again = shop
        .record_payment(payment(&checkout, "pi_1"))
        .await
        .unwrap();
    assert_eq!(again, recorded);
    let mut told_anew = payment(&checkout, "pi_1");
    told_anew.operation = operation(&checkout.id, "by another name", 1);
    let told_anew = shop.record_payment(told_anew).await.unwrap();
    assert_eq!(told_anew.lines, recorded.lines);
    assert_eq!(told_anew.status(), Status::Paid);
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Held));
}

#[tokio::test]
async fn a_payment_told_many_times_at_once_is_recorded_once() {
    let shop = std::sync::Arc::new(Shop::start().await);
    let (_, checkout) = opened(&shop).await;
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let (shop, payment) = (shop.clone(), payment(&checkout, "pi_1"));
        calls.spawn(async move { shop.record_payment(payment).await.unwrap() });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|answer| answer == &answers[0]));
}

#[tokio::test]
async fn another_amount_is_not_what_was_agreed() {
    let shop = Shop::start().await;
    let (buyer, checkout) = opened(&shop).await;
    let mut short = payment(&checkout, "pi_1");
    short.amount_cents -= 1;
    assert_eq!(code(shop.record_payment(short).await), Code::AmountMismatch);
    let mut foreign = payment(&checkout, "pi_1");
    foreign.currency = "eur".to_owned();
    assert_eq!(
        code(shop.record_payment(foreign).await),
        Code::AmountMismatch
    );
    let unchanged = shop.get(buyer, &checkout.id).await.unwrap();
    assert_eq!(unchanged.status(), Status::Open);
}

#[tokio::test]
async fn another_payment_is_refused() {
    let shop = Shop::start().await;
    let (_, checkout) = paid(&shop).await;
    let mut second = payment(&checkout, "pi_2");
    second.operation = operation(&checkout.id, "second", 1);
    assert_eq!(
        code(shop.record_payment(second).await),
        Code::CheckoutClosed
    );
}

#[tokio::test]
async fn a_late_payment_is_recorded_too() {
    let shop = Shop::start().await;
    let (buyer, canceled) = opened(&shop).await;
    shop.cancel(buyer, &canceled.id).await.unwrap();
    let (_, expired) = opened(&shop).await;
    shop.expire(expiry(&expired.id, 1)).await.unwrap();
    for checkout in [canceled, expired] {
        let recorded = shop.record_payment(payment(&checkout, "pi_1")).await;
        assert_eq!(recorded.unwrap().status(), Status::Paid);
        assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Released));
    }
}

#[tokio::test]
async fn a_paid_checkout_is_completed_once() {
    let shop = Shop::start().await;
    let (buyer, checkout) = paid(&shop).await;
    for _ in 0..2 {
        shop.complete(completion(&checkout.id, "o_1", 1))
            .await
            .unwrap();
    }
    let completed = shop.get(buyer, &checkout.id).await.unwrap();
    assert_eq!(completed.status(), Status::Completed);
    assert_eq!(completed.order_id.as_deref(), Some("o_1"));
    let other = shop.complete(completion(&checkout.id, "o_2", 1)).await;
    assert_eq!(code(other), Code::IllegalTransition);
}

#[tokio::test]
async fn what_was_not_paid_is_not_completed() {
    let shop = Shop::start().await;
    let (_, checkout) = opened(&shop).await;
    let early = shop.complete(completion(&checkout.id, "o_1", 1)).await;
    assert_eq!(code(early), Code::IllegalTransition);
}

#[tokio::test]
async fn an_expired_session_gives_the_stock_back_once() {
    let shop = Shop::start().await;
    let (buyer, checkout) = opened(&shop).await;
    for _ in 0..2 {
        shop.expire(expiry(&checkout.id, 1)).await.unwrap();
    }
    let expired = shop.get(buyer, &checkout.id).await.unwrap();
    assert_eq!(expired.status(), Status::Expired);
    assert_eq!(expired.stripe_session_url, "");
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Released));
    assert_eq!(shop.peers.world().releases.len(), 1);
}

#[tokio::test]
async fn an_expiry_whose_release_failed_is_repeated() {
    let shop = Shop::start().await;
    let (_, checkout) = opened(&shop).await;
    shop.peers.world().failing_releases = 1;
    let failed = shop.expire(expiry(&checkout.id, 1)).await;
    assert_eq!(code(failed), Code::Unavailable);
    shop.expire(expiry(&checkout.id, 1)).await.unwrap();
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Released));
}

#[tokio::test]
async fn what_was_paid_does_not_expire() {
    let shop = Shop::start().await;
    let (buyer, checkout) = paid(&shop).await;
    shop.expire(expiry(&checkout.id, 1)).await.unwrap();
    assert_eq!(
        shop.get(buyer, &checkout.id).await.unwrap().status(),
        Status::Paid
    );
    assert_eq!(
        code(shop.cancel(buyer, &checkout.id).await),
        Code::CheckoutClosed
    );
    shop.complete(completion(&checkout.id, "o_1", 1))
        .await
        .unwrap();
    let mut again = expiry(&checkout.id, 1);
    again.operation = operation(&checkout.id, "expire again", 1);
    shop.expire(again).await.unwrap();
    assert_eq!(
        shop.get(buyer, &checkout.id).await.unwrap().status(),
        Status::Completed
    );
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Held));
}

#[tokio::test]
async fn a_refund_ends_what_was_paid_and_what_was_completed() {
    let shop = Shop::start().await;
    let (buyer, first) = paid(&shop).await;
    let (other_buyer, second) = paid(&shop).await;
    shop.complete(completion(&second.id, "o_1", 1))
        .await
        .unwrap();
    for (buyer, checkout) in [(buyer, &first), (other_buyer, &second)] {
        for _ in 0..2 {
            shop.record_refund(refund(&checkout.id, REFUND, 2))
                .await
                .unwrap();
        }
        let refunded = shop.get(buyer, &checkout.id).await.unwrap();
        assert_eq!(refunded.status(), Status::Refunded);
        let other = shop.record_refund(refund(&checkout.id, "re_2", 2)).await;
        assert_eq!(code(other), Code::IllegalTransition);
    }
    assert_eq!(shop.peers.hold(&first.id), Some(HoldState::Released));
    assert_eq!(
        shop.peers.hold(&second.id),
        Some(HoldState::Held),
        "what became of sold stock is the saga's"
    );
}

#[tokio::test]
async fn a_refund_whose_stock_was_sold_is_recorded_all_the_same() {
    let shop = Shop::start().await;
    let (buyer, checkout) = paid(&shop).await;
    if let Some(hold) = shop.peers.world().holds.get_mut(&checkout.id) {
        hold.state = HoldState::Sold;
    }
    shop.record_refund(refund(&checkout.id, REFUND, 2))
        .await
        .unwrap();
    let refunded = shop.get(buyer, &checkout.id).await.unwrap();
    assert_eq!(refunded.status(), Status::Refunded);
}

#[tokio::test]
async fn a_payment_that_went_back_first_is_never_recorded() {
    let shop = Shop::start().await;
    let (_, checkout) = opened(&shop).await;
    shop.record_refund(refund(&checkout.id, REFUND, 2))
        .await
        .unwrap();
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Released));
    let late = shop.record_payment(payment(&checkout, "pi_1")).await;
    assert_eq!(code(late), Code::StaleEpoch);
    let mut newer = payment(&checkout, "pi_1");
    newer.operation = operation(&checkout.id, "record-payment", 3);
    let newer = shop.record_payment(newer).await;
    assert_eq!(code(newer), Code::OperationVoided);
}

#[tokio::test]
async fn a_stale_runner_changes_nothing() {
    let shop = Shop::start().await;
    let (buyer, checkout) = opened(&shop).await;
    let mut newer = payment(&checkout, "pi_1");
    newer.operation = operation(&checkout.id, "record-payment", 5);
    shop.record_payment(newer).await.unwrap();

    let id = &checkout.id;
    let stale_payment = shop.record_payment(payment(&checkout, "pi_1")).await;
    assert_eq!(code(stale_payment), Code::StaleEpoch);
    let stale_completion = shop.complete(completion(id, "o_1", 4)).await;
    assert_eq!(code(stale_completion), Code::StaleEpoch);
    let stale_expiry = shop.expire(expiry(id, 4)).await;
    assert_eq!(code(stale_expiry), Code::StaleEpoch);
    let stale_refund = shop.record_refund(refund(id, REFUND, 4)).await;
    assert_eq!(code(stale_refund), Code::StaleEpoch);
    let unchanged = shop.get(buyer, id).await.unwrap();
    assert_eq!(unchanged.status(), Status::Paid);
}

#[tokio::test]
async fn steps_are_for_sagas_only() {
    let shop = Shop::start().await;
    let (_, checkout) = opened(&shop).await;
    let id = &checkout.id;
    let mut gateway = shop.called_by("gateway");
    let refused = [
        gateway
            .record_payment(payment(&checkout, "pi_1"))
            .await
            .err(),
        gateway
            .complete_checkout(completion(id, "o_1", 1))
            .await
            .err(),
        gateway.expire_checkout(expiry(id, 1)).await.err(),
        gateway.record_refund(refund(id, REFUND, 1)).await.err(),
    ];
    for status in refused {
        assert_eq!(Failure::from(status.unwrap()).code, Code::UnknownCaller);
    }
}

#[tokio::test]
async fn a_step_names_its_checkout_and_its_operation() {
    let shop = Shop::start().await;
    let (_, checkout) = opened(&shop).await;
    let unknown = shop.expire(expiry(&ObjectId::new().to_hex(), 1)).await;
    assert_eq!(code(unknown), Code::NotFound);
    let mut nameless = expiry(&checkout.id, 1);
    nameless.operation = None;
    assert_eq!(code(shop.expire(nameless).await), Code::ValidationFailed);
    let no_intent = shop.record_payment(payment(&checkout, "")).await;
    assert_eq!(code(no_intent), Code::ValidationFailed);
}
