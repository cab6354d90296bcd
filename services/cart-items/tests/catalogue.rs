//! The catalogue beside the carts: products that are withdrawn, and a catalogue that is away.

mod support;

use std::time::{Duration, Instant};

use bson::oid::ObjectId;
use reen_chassis::CallContext;
use reen_error::Code;
use reen_proto::cart_items::v1::AddItemRequest;
use reen_testkit::{code, eventually, settled};

use support::{World, caller};

/// How long a call may take when whoever waits named no deadline.
const DEADLINE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn withdrawn_products_leave_every_cart() {
    let world = World::start().await;
    let users = [ObjectId::new(), ObjectId::new()];
    let [lamp, desk, bed] = [10, 10, 10].map(|stock| world.catalogue.product(stock));
    for user in users {
        for product in [lamp, desk, bed] {
            world.added(user, product, 1).await;
        }
    }
    let withdrawn = [lamp, bed, ObjectId::new()].map(|product| product.to_hex());
    assert_eq!(world.remove_products(withdrawn.to_vec()).await.unwrap(), 4);
    assert_eq!(world.remove_products(withdrawn.to_vec()).await.unwrap(), 0);
    for user in users {
        assert_eq!(world.cart(user).await, [(desk.to_hex(), 1)]);
    }
}

#[tokio::test]
async fn a_thousand_products_are_withdrawn_at_once_and_no_more() {
    let world = World::start().await;
    let withdrawn = |products: usize| vec![ObjectId::new().to_hex(); products];
    assert_eq!(world.remove_products(withdrawn(1_000)).await.unwrap(), 0);
    assert_eq!(world.remove_products(Vec::new()).await.unwrap(), 0);
    for wrong in [withdrawn(1_001), vec!["lamp".to_owned()]] {
        let refused = world.remove_products(wrong).await.unwrap_err();
        assert_eq!(refused.code, Code::ValidationFailed);
        assert_eq!(refused.fields[0].field, "productIds");
    }
}

#[tokio::test]
async fn without_the_catalogue_nothing_is_added_and_everything_else_goes_on() {
    let mut world = World::start().await;
    let (user, product) = (ObjectId::new(), world.catalogue.product(10));
    let item = world.added(user, product, 1).await;
    world.catalogue.go_away().await;

    let asked = Instant::now();
    assert_eq!(code(world.add(user, product, 1).await), Code::Unavailable);
    assert_eq!(
        code(world.change(user, &item.id, 2).await),
        Code::Unavailable
    );
    assert!(asked.elapsed() < DEADLINE);
    assert_eq!(world.get(user, &item.id).await.unwrap(), item);
    assert_eq!(world.cart(user).await, [(product.to_hex(), 1)]);

    world.catalogue.come_back().await;
    let added = eventually("the catalogue to be found again", async || {
        world.add(user, product, 1).await.ok()
    });
    assert_eq!(added.await.quantity, 2);
    world.remove(user, &item.id).await.unwrap();
}

#[tokio::test]
async fn a_catalogue_that_does_not_answer_is_not_waited_for_any_longer_than_asked() {
    let world = World::start().await;
    let (user, product) = (ObjectId::new(), world.catalogue.product(10));
    world.catalogue.fall_silent();
    let asked = Instant::now();
    let impatient = CallContext {
        user: Some(user.to_hex().into()),
        deadline: Some(asked + Duration::from_millis(300)),
        ..CallContext::default()
    };
    let mut gateway = caller("gateway", world.address);
    let adding = gateway.add_item(AddItemRequest {
        product_id: product.to_hex(),
        quantity: 1,
    });
    let refused = settled(impatient.scope(adding).await);
    assert_eq!(code(refused), Code::DeadlineExceeded);
    assert!(asked.elapsed() < DEADLINE);
    assert!(world.list(user).await.is_empty());
}
