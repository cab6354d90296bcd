//! Requests that sellers named.

mod support;

use bson::oid::ObjectId;
use futures::future::join_all;
use reen_chassis::IdempotencyKey;
use reen_error::{Code, Failure};
use reen_proto::orders::v1::{ChangeStatusRequest, Order, RequestRefundRequest, Status};
use reen_testkit::{acting_once, refusal, settled};
use support::{World, one_piece, purchase};

fn named(key: &str) -> IdempotencyKey {
    IdempotencyKey::new(key, [&b"what is asked for"[..]])
}

/// An order of one seller.
async fn sold(world: &World) -> (ObjectId, Order) {
    let (buyer, seller) = (ObjectId::new(), ObjectId::new());
    let lines = one_piece(ObjectId::new(), seller);
    (seller, world.created(purchase("paid", buyer, lines)).await)
}

async fn move_on(
    world: &World,
    seller: ObjectId,
    order: &Order,
    key: &IdempotencyKey,
) -> Result<Order, Failure> {
    let asked = ChangeStatusRequest {
        id: order.id.clone(),
        status: Status::Processing.into(),
    };
    let mut gateway = world.caller("gateway");
    settled(acting_once(seller, key, gateway.change_status(asked)).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_step_gets_the_answer_of_the_first() {
    let world = World::start().await;
    let (seller, order) = sold(&world).await;
    let key = named("k");
    let first = move_on(&world, seller, &order, &key).await.unwrap();
    assert_eq!(first.status(), Status::Processing);
    let shipped = world
        .change_status(seller, &order.id, Status::Shipped)
        .await;
    assert_eq!(shipped.unwrap().status(), Status::Shipped);
    let again = move_on(&world, seller, &order, &key).await.unwrap();
    assert_eq!(again, first, "not a refusal to go back");
    assert!(key.was_replayed());
    let anew = move_on(&world, seller, &order, &named("l")).await;
    assert_eq!(refusal(anew).code, Code::IllegalTransition);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_repeats_ask_for_one_refund() {
    let world = World::start().await;
    let (seller, order) = sold(&world).await;
    let key = named("k");
    let asking = (0..20).map(|_| {
        // Each has an id of its own: it is the name that makes them one.
        let asked = RequestRefundRequest {
            order_id: order.id.clone(),
            refund_id: ObjectId::new().to_hex(),
            amount_cents: Some(1),
            ..RequestRefundRequest::default()
        };
        let (mut gateway, key) = (world.caller("gateway"), key.clone());
        async move { settled(acting_once(seller, &key, gateway.request_refund(asked)).await) }
    });
    for outcome in join_all(asking).await {
        if let Err(refused) = outcome {
            assert_eq!(refused.code, Code::IdempotencyInFlight);
        }
    }
    let buyer = ObjectId::parse_str(&order.user_id).unwrap();
    assert_eq!(world.read(buyer, &order.id).await.refunds.len(), 1);
}
