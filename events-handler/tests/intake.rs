//! What is taken in besides payments: expiries, farewells, repeats, sagas of other versions. What cannot
//! be worked on at all is in `bad_input.rs`.

mod support;

use bson::{DateTime, doc};
use reen_messaging::Message;
use reen_proto::events::v1::{AccountDeletionRequested, SagaDue};
use reen_testkit::eventually;
use serde_json::json;
use support::{World, checkout_id, session_event};

const DEAD: &str = "reen.events.dead";

async fn queue_runs_empty(world: &World) {
    eventually("the queue to be empty", async || {
        (world.broker.depth(reen_proto::events::QUEUE).await == 0).then_some(())
    })
    .await;
}

async fn dead_letters(world: &World, count: u64) {
    eventually("the dead letters", async || {
        (world.broker.depth(DEAD).await == count).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_gives_the_stock_back() {
    let world = World::start().await;
    let checkout = checkout_id();
    let session = json!({"id": "cs_1", "metadata": {"checkout_id": checkout}});
    let event = session_event("evt_1", "checkout.session.expired", &session);
    world
        .publish("evt_1", "checkout.session.expired", &event)
        .await;
    world.saga_in("checkout-expired", &checkout, "done").await;
    assert_eq!(world.book.effects(), ["expire_checkout"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_farewell_empties_withdraws_and_forgets_in_this_order() {
    let world = World::start().await;
    let farewell = AccountDeletionRequested {
        user_id: support::SELLER.to_owned(),
        requested_at: None,
    };
    world.publish_message(&Message::new(&farewell)).await;
    world.publish_message(&Message::new(&farewell)).await;
    world
        .saga_in("account-deleted", support::SELLER, "done")
        .await;
    queue_runs_empty(&world).await;
    assert_eq!(
        world.book.effects(),
        [
            "empty_cart",
            "withdraw_catalogue",
            "anonymise_user",
            "withdraw_catalogue"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_not_ours_has_no_effect() {
    let world = World::start().await;
    let session = json!({"id": "cs_1", "payment_status": "paid", "payment_intent": "pi_1"});
    let event = session_event("evt_1", "checkout.session.completed", &session);
    world
        .publish("evt_1", "checkout.session.completed", &event)
        .await;
    // The expiry behind it shows when the first event is through.
    an_expiry_is_through(&world).await;
    assert_eq!(world.book.effects(), ["expire_checkout"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_payment_of_a_checkout_is_buried_for_an_operator() {
    let world = World::start().await;
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;
    world.order_saga_in(&checkout, "done").await;
    let effects = world.book.effects();
    let mut second = world.stripe.paid_session(&checkout, 12_500).await;
    second.event["id"] = json!("evt_second");
    world
        .publish("evt_second", "checkout.session.completed", &second.event)
        .await;
    dead_letters(&world, 1).await;
    assert_eq!(world.book.effects(), effects, "the order stays as it is");
    assert!(world.stripe.refunds().await.is_empty());
}

async fn an_expiry_is_through(world: &World) {
    let checkout = checkout_id();
    let session = json!({"id": "cs_2", "metadata": {"checkout_id": checkout}});
    let event = session_event("evt_9", "checkout.session.expired", &session);
    world
        .publish("evt_9", "checkout.session.expired", &event)
        .await;
    world.saga_in("checkout-expired", &checkout, "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_of_a_newer_version_waits_for_a_newer_process() {
    let world = World::start().await;
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;
    world.order_saga_in(&checkout, "done").await;
    let id = format!("order-completed:{checkout}");
    let newer = doc! {"$set": {"version": 1_000, "status": "running", "step": 0}};
    world
        .sagas
        .update_one(doc! {"_id": &id}, newer)
        .await
        .unwrap();
    let effects = world.book.effects();
    world
        .publish_message(&Message::new(&SagaDue {
            saga_id: id.clone(),
        }))
        .await;
    queue_runs_empty(&world).await;
    an_expiry_is_through(&world).await;
    assert_eq!(world.book.effects().len(), effects.len() + 1);
    let saga = world
        .sagas
        .find_one(doc! {"_id": &id})
        .await
        .unwrap()
        .unwrap();
    assert_eq!(saga.get_str("status").unwrap(), "running");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_whose_message_was_lost_is_swept_up() {
    let mut world = World::without_app().await;
    world.start_app().await;
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;
    world.order_saga_in(&checkout, "done").await;
    let id = format!("order-completed:{checkout}");
    let long_ago = DateTime::from_millis(0);
    let lost = doc! {"$set": {"status": "running", "step": 6, "dueAt": long_ago}};
    world
        .sagas
        .update_one(doc! {"_id": &id}, lost)
        .await
        .unwrap();
    // A process that starts sweeps at once.
    world.start_app().await;
    let saga = world.order_saga_in(&checkout, "done").await;
    assert!(saga.get_i64("epoch").unwrap() > 1);
    assert_eq!(world.book.calls_of("complete_checkout"), 2);
    assert_eq!(world.letters_to("buyer@reen.example").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_the_database_has_an_index() {
    let world = World::start().await;
    let overdue = doc! {
        "status": {"$in": ["running", "compensating", "closing"]},
        "dueAt": {"$lt": DateTime::now()},
        "leaseUntil": {"$lt": DateTime::now()},
    };
    let database = world.database().await;
    // Of an empty collection every plan is as good, with or without sorting.
    reen_testkit::assert_uses_index(&database, "sagas", overdue, doc! {}).await;
}
