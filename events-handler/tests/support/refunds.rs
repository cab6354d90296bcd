//! Orders whose money goes back.

use reen_error::Code;
use reen_messaging::Message;
use reen_proto::checkout::v1::{Payment, Status};
use reen_proto::events::v1::{RefundRequested, SellerPart};
use serde_json::json;

use super::book::Fault;
use super::{BUYER, ORDER, OUTSIDE_CENTS, SELLER, TOTAL_CENTS, World, checkout_id, session_event};

const REFUND_PAYMENT: &str = "refund-payment";

/// A checkout that was paid and has this status; answers its id and its session's.
pub(crate) async fn paid(world: &World, status: Status) -> (String, String) {
    let id = checkout_id();
    let paid = world.stripe.paid_session(&id, TOTAL_CENTS).await;
    let text = |field: &str| paid.session[field].as_str().unwrap().to_owned();
    world.book.know_payment(Payment {
        checkout_id: id.clone(),
        status: status.into(),
        payment_intent_id: text("payment_intent"),
        total_cents: TOTAL_CENTS,
        currency: "usd".to_owned(),
        order_id: Some(ORDER.to_owned()),
    });
    (id, text("id"))
}

/// An order that may be refunded. Its checkout's id is the refund's as well.
pub(crate) async fn sold(world: &World) -> String {
    paid(world, Status::Completed).await.0
}

/// All of it is to go back. When Stripe is to refuse that, it went back in the dashboard before.
pub(crate) async fn ask(world: &World, key: &str) {
    let saga = format!("refund-requested:{key}");
    let fault = world.book.take_step_fault(&saga, REFUND_PAYMENT);
    if let Some(Fault::Refuses(Code::PaymentRefused)) = fault {
        let payment = world.book.payment_of(key).unwrap();
        let session = world.stripe.session_of(&payment.payment_intent_id).await;
        world.stripe.refund_session(&session, None).await;
    }
    let part = SellerPart {
        seller_id: SELLER.to_owned(),
        amount_cents: TOTAL_CENTS,
    };
    let asked = RefundRequested {
        refund_id: key.to_owned(),
        order_id: ORDER.to_owned(),
        checkout_id: key.to_owned(),
        buyer_id: BUYER.to_owned(),
        amount_cents: TOTAL_CENTS,
        parts: vec![part],
        restock: true,
        requested_at: None,
    };
    world.publish_message(&Message::new(&asked)).await;
}

/// An order of which some was given back in the dashboard; answers the key of the saga.
pub(crate) async fn refunded_outside(world: &World) -> String {
    let (id, session) = paid(world, Status::Completed).await;
    world
        .stripe
        .refund_session(&session, Some(OUTSIDE_CENTS))
        .await;
    let payment = world.book.payment_of(&id).unwrap();
    key_of(&payment, OUTSIDE_CENTS)
}

/// The key of the saga over what went back of a payment until then.
pub(crate) fn key_of(payment: &Payment, refunded_cents: i64) -> String {
    format!("{}:{refunded_cents}", payment.payment_intent_id)
}

/// Stripe tells of it.
pub(crate) async fn tell(world: &World, key: &str) {
    let (intent, refunded) = key.split_once(':').unwrap();
    let payment = world.book.payment_by_intent(intent).unwrap();
    let refunded: i64 = refunded.parse().unwrap();
    let charge = json!({
        "id": "ch_1",
        "metadata": {"checkout_id": payment.checkout_id},
        "payment_intent": intent,
        "amount_refunded": refunded,
    });
    let id = format!("evt_refunded_{key}");
    let event = session_event(&id, "charge.refunded", &charge);
    world.publish(&id, "charge.refunded", &event).await;
}
