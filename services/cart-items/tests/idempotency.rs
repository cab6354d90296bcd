//! Requests that buyers named.

mod support;

use bson::oid::ObjectId;
use futures::future::join_all;
use reen_cart_items::NAME;
use reen_chassis::IdempotencyKey;
use reen_error::{Code, Failure};
use reen_proto::cart_items::v1::cart_items_client::CartItemsClient;
use reen_proto::cart_items::v1::{AddItemRequest, CartItem, ChangeQuantityRequest};
use reen_testkit::{acting_once, peer, refusal, settled};
use support::World;

fn named(key: &str, asked: &str) -> IdempotencyKey {
    IdempotencyKey::new(key, [asked.as_bytes()])
}

impl World {
    async fn add_once(
        &self,
        user: ObjectId,
        product: ObjectId,
        key: &IdempotencyKey,
    ) -> Result<CartItem, Failure> {
        let asked = AddItemRequest {
            product_id: product.to_hex(),
            quantity: 1,
        };
        let mut gateway = CartItemsClient::new(peer("gateway", NAME, self.address));
        settled(acting_once(user, key, gateway.add_item(asked)).await)
    }

    async fn change_once(
        &self,
        user: ObjectId,
        id: &str,
        quantity: i64,
        key: &IdempotencyKey,
    ) -> Result<CartItem, Failure> {
        let id = id.to_owned();
        let asked = ChangeQuantityRequest { id, quantity };
        let mut gateway = CartItemsClient::new(peer("gateway", NAME, self.address));
        settled(acting_once(user, key, gateway.change_quantity(asked)).await)
    }
}

#[tokio::test]
async fn twenty_repeats_add_one_piece() {
    let world = World::start().await;
    let (user, product) = (ObjectId::new(), world.catalogue.product(100));
    let key = named("k", "{}");
    let outcomes = join_all((0..20).map(|_| world.add_once(user, product, &key))).await;
    for outcome in outcomes {
        match outcome {
            Ok(item) => assert_eq!(item.quantity, 1),
            Err(refused) => assert_eq!(refused.code, Code::IdempotencyInFlight),
        }
    }
    let again = world.add_once(user, product, &key).await.unwrap();
    assert_eq!(again.quantity, 1);
    assert!(key.was_replayed());
    let under_another = world.add_once(user, product, &named("l", "{}")).await;
    assert_eq!(under_another.unwrap().quantity, 2);
}

#[tokio::test]
async fn a_name_that_is_used_for_something_else_is_refused() {
    let world = World::start().await;
    let (user, product) = (ObjectId::new(), world.catalogue.product(100));
    world
        .add_once(user, product, &named("k", "one"))
        .await
        .unwrap();
    let reused = world.add_once(user, product, &named("k", "two")).await;
    assert_eq!(refusal(reused).code, Code::IdempotencyKeyReused);
    assert_eq!(world.cart(user).await[0].1, 1);
    let stranger = world
        .add_once(ObjectId::new(), product, &named("k", "two"))
        .await;
    assert!(stranger.is_ok(), "a name is its user's");
}

#[tokio::test]
async fn a_refusal_is_no_answer() {
    let world = World::start().await;
    let (user, sold_out) = (ObjectId::new(), world.catalogue.product(0));
    let key = named("k", "{}");
    let refused = world.add_once(user, sold_out, &key).await;
    assert_eq!(refusal(refused).code, Code::InsufficientStock);
    let again = world.add_once(user, sold_out, &key).await;
    assert_eq!(refusal(again).code, Code::InsufficientStock);
    assert!(!key.was_replayed());
}

#[tokio::test]
async fn a_full_cart_refuses_a_named_line_and_keeps_none() {
    let world = World::start().await;
    let user = ObjectId::new();
    world.fill(user, 100).await;
    let product = world.catalogue.product(10);
    let refused = world.add_once(user, product, &named("k", "{}")).await;
    assert_eq!(refusal(refused).code, Code::CartFull);
    assert_eq!(world.cart(user).await.len(), 100);
}

#[tokio::test]
async fn a_repeated_change_does_not_undo_a_later_one() {
    let world = World::start().await;
    let user = ObjectId::new();
    let item = world.added(user, world.catalogue.product(10), 1).await;
    let key = named("k", "{}");
    let first = world.change_once(user, &item.id, 5, &key).await.unwrap();
    world.change(user, &item.id, 7).await.unwrap();
    let again = world.change_once(user, &item.id, 5, &key).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(world.get(user, &item.id).await.unwrap().quantity, 7);
}
