//! What operators ask for under a name.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

mod support;

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use reen_chassis::IdempotencyKey;
use reen_error::Code;
use reen_events_handler::NAME;
use reen_proto::sagas::v1::sagas_client::SagasClient;
use reen_proto::sagas::v1::{RetrySagaRequest, SagaStatus};
use reen_testkit::{acting_once, body, eventually, peer};
use support::book::Fault;
use support::{World, checkout_id};

/// A saga that failed so often that an operator has to look at it.
async fn stuck(world: &World, checkout: &str) -> String {
    let faults = vec![Fault::Refuses(Code::Unavailable); 2];
    world.book.fail("create_order", faults);
    world.pay(checkout, 1).await;
    let id = format!("order-completed:{checkout}");
    let waits = doc! {"_id": &id, "attempts": {"$gt": 0}, "leaseUntil": {"$lt": DateTime::now()}};
    let stuck = doc! {"$set": {"status": "stuck", "stuckIn": "running", "attempts": 20_i64}};
    eventually("the saga to be stuck", async || {
        let set = world.sagas.update_one(waits.clone(), stuck.clone()).await;
        (set.unwrap().matched_count == 1).then_some(())
    })
    .await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_a_named_retry_starts_nothing() {
    let world = World::start().await;
    let checkout = checkout_id();
    let id = stuck(&world, &checkout).await;
    let key = IdempotencyKey::new("k", [&b"retry"[..]]);
    let operator = ObjectId::new();
    let retry = async || {
        let mut gateway = SagasClient::new(peer("gateway", NAME, world.address()));
        let asked = RetrySagaRequest { id: id.clone() };
        body(acting_once(operator, &key, gateway.retry_saga(asked)).await)
    };
    let first = retry().await;
    assert_eq!(first.status(), SagaStatus::Running);
    world.saga_in("order-completed", &checkout, "done").await;
    assert_eq!(retry().await, first, "and not that it has come to its end");
    assert!(key.was_replayed());
}
