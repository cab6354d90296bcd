//! What a user does with his own cart.

mod support;

use bson::oid::ObjectId;
use reen_error::Code;
use reen_proto::cart_items::v1::AddItemRequest;
use reen_testkit::{acting_for, code, settled};

use support::{World, caller};

const MOST_LINES: usize = 100;
const MOST_PIECES: i64 = 2_000;

#[tokio::test]
async fn a_first_piece_makes_an_item_and_more_add_up() {
    let world = World::start().await;
    let (user, product) = (ObjectId::new(), world.catalogue.product(10));
    let item = world.added(user, product, 2).await;
    assert_eq!(item.user_id, user.to_hex());
    assert_eq!(item.product_id, product.to_hex());
    assert_eq!(item.quantity, 2);
    assert_eq!(item.created_at, item.updated_at);
    let more = world.added(user, product, 3).await;
    assert_eq!(more.id, item.id);
    assert_eq!(more.quantity, 5);
    assert_eq!(more.created_at, item.created_at);
    assert_eq!(world.list(user).await, [more]);
}

#[tokio::test]
async fn a_quantity_stays_within_its_limits() {
    let world = World::start().await;
    let (user, product) = (ObjectId::new(), world.catalogue.product(i64::MAX));
    for quantity in [0, -1, i64::MIN, MOST_PIECES + 1, i64::MAX] {
        let refused = world.add(user, product, quantity).await.unwrap_err();
        assert_eq!(refused.code, Code::ValidationFailed);
        assert_eq!(refused.fields[0].field, "quantity");
    }
    assert!(world.list(user).await.is_empty());
    let item = world.added(user, product, MOST_PIECES).await;
    let one_more = world.add(user, product, 1).await.unwrap_err();
    assert_eq!(one_more.code, Code::ValidationFailed);
    assert_eq!(one_more.fields[0].code, "too_large");
    for quantity in [0, -1, MOST_PIECES + 1] {
        let refused = world.change(user, &item.id, quantity).await;
        assert_eq!(code(refused), Code::ValidationFailed);
    }
    assert_eq!(world.list(user).await, [item]);
}

#[tokio::test]
async fn no_more_than_is_in_stock() {
    let world = World::start().await;
    let (user, product) = (ObjectId::new(), world.catalogue.product(5));
    let too_many = world.add(user, product, 6).await.unwrap_err();
    assert_eq!(too_many.code, Code::InsufficientStock);
    assert_eq!(too_many.message, "only 5 in stock");
    let item = world.added(user, product, 4).await;
    assert_eq!(
        code(world.add(user, product, 2).await),
        Code::InsufficientStock
    );
    assert_eq!(
        code(world.change(user, &item.id, 6).await),
        Code::InsufficientStock
    );
    assert_eq!(world.get(user, &item.id).await.unwrap().quantity, 4);
    assert_eq!(world.change(user, &item.id, 5).await.unwrap().quantity, 5);
    world.catalogue.stock(product, 0);
    assert_eq!(
        code(world.add(user, product, 1).await),
        Code::InsufficientStock
    );
    assert_eq!(
        code(world.change(user, &item.id, 1).await),
        Code::InsufficientStock
    );
}

#[tokio::test]
async fn an_unknown_product_is_not_found() {
    let world = World::start().await;
    let user = ObjectId::new();
    assert_eq!(
        code(world.add(user, ObjectId::new(), 1).await),
        Code::NotFound
    );
    let malformed = AddItemRequest {
        product_id: "lamp".to_owned(),
        quantity: 1,
    };
    let mut gateway = caller("gateway", world.address);
    let refused = settled(acting_for(user, gateway.add_item(malformed)).await).unwrap_err();
    assert_eq!(refused.code, Code::ValidationFailed);
    assert_eq!(refused.fields[0].field, "productId");
    assert!(world.list(user).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn first_pieces_at_once_make_one_item_and_add_up_exactly() {
    let world = World::start().await;
    let product = world.catalogue.product(1_000);
    // Again and again, because they have to meet at the very first moment.
    for _ in 0..10 {
        let user = ObjectId::new();
        let racing = (1..=20).map(|quantity| world.add(user, product, quantity));
        let added = futures::future::try_join_all(racing).await.unwrap();
        let items = world.list(user).await;
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].quantity, (1..=20).sum::<i64>());
        assert!(added.iter().all(|item| item.id == items[0].id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_added_at_once_never_exceed_the_stock() {
    let world = World::start().await;
    let (user, product) = (ObjectId::new(), world.catalogue.product(25));
    let racing = (0..40).map(|_| world.add(user, product, 2));
    let answers = futures::future::join_all(racing).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(taken, 12);
    for refused in answers.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code, Code::InsufficientStock);
    }
    assert_eq!(world.cart(user).await, [(product.to_hex(), 24)]);
}

#[tokio::test]
async fn a_cart_holds_a_hundred_products() {
    let world = World::start().await;
    let (user, known) = (ObjectId::new(), world.catalogue.product(10));
    world.added(user, known, 1).await;
    world.fill(user, MOST_LINES - 1).await;
    let one_more = world.catalogue.product(10);
    assert_eq!(code(world.add(user, one_more, 1).await), Code::CartFull);
    assert_eq!(world.added(user, known, 1).await.quantity, 2);
    assert_eq!(world.list(user).await.len(), MOST_LINES);
    assert_eq!(world.added(ObjectId::new(), one_more, 1).await.quantity, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn products_added_at_once_never_overfill_a_cart() {
    let world = World::start().await;
    let user = ObjectId::new();
    world.fill(user, MOST_LINES - 5).await;
    let products: Vec<_> = (0..20).map(|_| world.catalogue.product(10)).collect();
    let racing = products.iter().map(|product| world.add(user, *product, 1));
    let answers = futures::future::join_all(racing).await;
    let kept = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(kept <= 5, "{kept} more than there was room for");
    for refused in answers.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code, Code::CartFull);
    }
    let stored = world.database.collection::<bson::Document>("cart_items");
    let of_user = bson::doc! {"userId": user};
    let stored = stored.count_documents(of_user).await.unwrap();
    assert_eq!(stored, u64::try_from(MOST_LINES - 5 + kept).unwrap());
    // Whoever was refused in the crowd finds the room that is left.
    world.fill(user, 5 - kept).await;
    assert_eq!(world.list(user).await.len(), MOST_LINES);
}

#[tokio::test]
async fn a_cart_is_listed_oldest_first() {
    let world = World::start().await;
    let user = ObjectId::new();
    let products = [10, 20, 30].map(|stock| world.catalogue.product(stock));
    for product in &products {
        world.added(user, *product, 1).await;
    }
    world.added(user, products[0], 1).await;
    let [first, second, third] = products.map(|product| product.to_hex());
    assert_eq!(
        world.cart(user).await,
        [(first, 2), (second, 1), (third, 1)]
    );
}

#[tokio::test]
async fn an_item_is_read_changed_and_removed() {
    let world = World::start().await;
    let (user, product) = (ObjectId::new(), world.catalogue.product(10));
    let item = world.added(user, product, 2).await;
    assert_eq!(world.get(user, &item.id).await.unwrap(), item);
    let changed = world.change(user, &item.id, 7).await.unwrap();
    assert_eq!(
        (changed.id.as_str(), changed.quantity),
        (item.id.as_str(), 7)
    );
    assert_eq!(world.get(user, &item.id).await.unwrap(), changed);
    world.remove(user, &item.id).await.unwrap();
    assert_eq!(code(world.get(user, &item.id).await), Code::NotFound);
    assert_eq!(code(world.remove(user, &item.id).await), Code::NotFound);
    assert_eq!(code(world.change(user, &item.id, 1).await), Code::NotFound);
}

#[tokio::test]
async fn somebody_elses_item_is_not_found() {
    let world = World::start().await;
    let (owner, stranger) = (ObjectId::new(), ObjectId::new());
    let item = world.added(owner, world.catalogue.product(10), 2).await;
    assert_eq!(code(world.get(stranger, &item.id).await), Code::NotFound);
    assert_eq!(
        code(world.change(stranger, &item.id, 1).await),
        Code::NotFound
    );
    assert_eq!(code(world.remove(stranger, &item.id).await), Code::NotFound);
    assert_eq!(world.clear(stranger).await, 0);
    assert!(world.list(stranger).await.is_empty());
    assert_eq!(world.list(owner).await, [item]);
}

#[tokio::test]
async fn an_id_that_is_none_is_not_found() {
    let world = World::start().await;
    let user = ObjectId::new();
    for id in [&*ObjectId::new().to_hex(), "not an id", ""] {
        assert_eq!(code(world.get(user, id).await), Code::NotFound);
        assert_eq!(code(world.change(user, id, 1).await), Code::NotFound);
        assert_eq!(code(world.remove(user, id).await), Code::NotFound);
    }
}

#[tokio::test]
async fn a_cart_is_cleared_at_once() {
    let world = World::start().await;
    let (user, neighbour) = (ObjectId::new(), ObjectId::new());
    world.fill(user, 3).await;
    world.fill(neighbour, 1).await;
    assert_eq!(world.clear(user).await, 3);
    assert_eq!(world.clear(user).await, 0);
    assert!(world.list(user).await.is_empty());
    assert_eq!(world.list(neighbour).await.len(), 1);
}
