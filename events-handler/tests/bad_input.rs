//! Input that cannot become an order: what asks for nothing, what cannot be read, what does not fit.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

mod support;

use bson::{Document, doc};
use reen_error::Code;
use reen_messaging::Message;
use reen_mongo::Collection;
use reen_proto::events::v1::{SagaDue, WebhookReceived};
use reen_testkit::eventually;
use serde_json::{Value, json};
use support::book::Fault;
use support::{TOTAL_CENTS, World, checkout_id, session_event};

const COMPLETED: &str = "checkout.session.completed";
const EXPIRED: &str = "checkout.session.expired";
const DEAD: &str = "reen.events.dead";

/// What the inbox kept of an event, once it is there.
async fn kept(world: &World, provider: &str, event_id: &str) -> Document {
    let inbox: Collection<Document> = world.database().await.collection("inbox");
    let this = doc! {"_id": format!("{provider}:{event_id}")};
    eventually("the event to be kept", async || {
        inbox.find_one(this.clone()).await.unwrap()
    })
    .await
}

async fn nothing_came_of_it(world: &World) {
    assert_eq!(world.sagas.count_documents(doc! {}).await.unwrap(), 0);
    assert!(world.book.effects().is_empty());
    assert_eq!(world.broker.depth(DEAD).await, 0);
}

fn paid_session(checkout: &str) -> Value {
    json!({
        "id": "cs_1",
        "metadata": {"checkout_id": checkout},
        "payment_intent": "pi_1",
        "payment_status": "paid",
        "amount_total": TOTAL_CENTS,
        "currency": "usd",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_type_that_is_not_used_is_kept_and_ignored() {
    let world = World::start().await;
    let event = session_event("evt_1", "invoice.paid", &json!({"id": "in_1"}));
    world.publish("evt_1", "invoice.paid", &event).await;
    let kept = kept(&world, "stripe", "evt_1").await;
    assert_eq!(kept.get_str("ignored").unwrap(), "its type is not used");
    let body = kept.get_binary_generic("body").unwrap();
    assert_eq!(*body, serde_json::to_vec(&event).unwrap(), "as it came");
    nothing_came_of_it(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_another_account_is_kept_and_ignored() {
    let world = World::start().await;
    let mut event = session_event("evt_1", COMPLETED, &paid_session(&checkout_id()));
    event["account"] = json!("acct_of_somebody_else");
    world.publish("evt_1", COMPLETED, &event).await;
    let kept = kept(&world, "stripe", "evt_1").await;
    let why = kept.get_str("ignored").unwrap();
    assert!(why.contains("another account"), "{why}");
    nothing_came_of_it(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_an_unknown_provider_is_kept_and_ignored() {
    let world = World::start().await;
    let webhook = WebhookReceived {
        provider: "somebody".to_owned(),
        event_id: "1".to_owned(),
        event_type: COMPLETED.to_owned(),
        body: b"{}".to_vec(),
        received_at: None,
    };
    world.publish_message(&Message::new(&webhook)).await;
    let kept = kept(&world, "somebody", "1").await;
    assert!(kept.contains_key("ignored"), "{kept}");
    nothing_came_of_it(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_kept_whole_and_buried_and_what_follows_is_served() {
    let world = World::start().await;
    let mut without_amount = paid_session(&checkout_id());
    without_amount["amount_total"] = Value::Null;
    let unreadable = session_event("evt_1", COMPLETED, &without_amount);
    world.publish("evt_1", COMPLETED, &unreadable).await;
    world
        .publish("evt_2", COMPLETED, &json!("not an event"))
        .await;
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;

    world.order_saga_in(&checkout, "done").await;
    eventually("both to be buried", async || {
        (world.broker.depth(DEAD).await == 2).then_some(())
    })
    .await;
    for (id, body) in [("evt_1", unreadable), ("evt_2", json!("not an event"))] {
        let kept = kept(&world, "stripe", id).await;
        let kept = kept.get_binary_generic("body").unwrap();
        assert_eq!(*kept, serde_json::to_vec(&body).unwrap(), "{id}");
    }
    assert_eq!(world.sagas.count_documents(doc! {}).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reminder_of_a_saga_that_is_not_there_is_done_with() {
    let world = World::start().await;
    let saga_id = "order-completed:nowhere".to_owned();
    world
        .publish_message(&Message::new(&SagaDue { saga_id }))
        .await;
    eventually("the queue to be empty", async || {
        (world.broker.depth(reen_proto::events::QUEUE).await == 0).then_some(())
    })
    .await;
    nothing_came_of_it(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_not_the_total_goes_back_once() {
    let world = World::start().await;
    let mismatch = [Fault::Refuses(Code::AmountMismatch)];
    world.book.fail("record_payment", mismatch);
    let checkout = checkout_id();
    world.pay(&checkout, 2).await;
    let saga = world.order_saga_in(&checkout, "compensated").await;

    let refusal = saga.get_document("refusal").unwrap();
    assert_eq!(refusal.get_str("step").unwrap(), "record-payment");
    assert_eq!(refusal.get_str("code").unwrap(), "amount_mismatch");
    let refunds = world.stripe.refunds().await;
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0]["amount"], TOTAL_CENTS, "all of it");
    assert!(!world.book.effects().contains(&"create_order".to_owned()));
}

/// It may be another mesh's that has the same account at Stripe: its money is not ours to give back
/// without asking.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_of_a_checkout_that_is_not_there_is_tried_again_and_not_given_back() {
    let world = World::start().await;
    let missing = [Fault::Refuses(Code::NotFound); 3];
    world.book.fail("record_payment", missing);
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;
    let tried = doc! {"key": &checkout, "attempts": {"$gte": 2}, "status": "running"};
    eventually("two tries", async || {
        world.sagas.find_one(tried.clone()).await.unwrap()
    })
    .await;
    assert!(world.stripe.refunds().await.is_empty());
    world.order_saga_in(&checkout, "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_of_a_checkout_that_is_not_there_is_done_with() {
    let world = World::start().await;
    world
        .book
        .fail("expire_checkout", [Fault::Refuses(Code::NotFound)]);
    let checkout = checkout_id();
    let session = json!({"id": "cs_1", "metadata": {"checkout_id": checkout}});
    let event = session_event("evt_1", EXPIRED, &session);
    world.publish("evt_1", EXPIRED, &event).await;
    let ended = doc! {"key": &checkout, "kind": "checkout-expired", "status": "done"};
    eventually("the saga to end", async || {
        world.sagas.find_one(ended.clone()).await.unwrap()
    })
    .await;
}
