//! Every query of this service is served by an index.

mod support;

use bson::oid::ObjectId;
use bson::{Document, doc};
use reen_testkit::assert_uses_index;

use support::{World, in_epoch};

#[tokio::test]
async fn every_query_is_served_by_an_index() {
    let world = World::start().await;
    let (user, product) = (ObjectId::new(), world.catalogue.product(10));
    // A collection that is not there has no plans at all.
    world.added(user, product, 2).await;
    let taking = in_epoch(1, "paid", "take");
    world
        .take_out(taking.clone(), user, &[(product, 1)])
        .await
        .unwrap();

    let as_it_comes = Document::new;
    let (id, some) = (ObjectId::new(), vec![product, ObjectId::new()]);
    let of_items = [
        // Adding.
        (doc! {"userId": user, "productId": product}, as_it_comes()),
        (
            doc! {"userId": user, "productId": product, "quantity": {"$lte": 10_i64}},
            as_it_comes(),
        ),
        // Listing, counting, clearing, emptying.
        (doc! {"userId": user}, doc! {"_id": 1}),
        (doc! {"userId": user}, as_it_comes()),
        // Reading, changing, removing.
        (doc! {"_id": id, "userId": user}, as_it_comes()),
        (doc! {"_id": id}, as_it_comes()),
        // Products that are withdrawn.
        (doc! {"productId": {"$in": some.clone()}}, as_it_comes()),
        // What was bought.
        (
            doc! {"userId": user, "productId": {"$in": some.clone()}},
            as_it_comes(),
        ),
        (doc! {"_id": {"$in": some}}, as_it_comes()),
    ];
    for (filter, sort) in of_items {
        assert_uses_index(&world.database, "cart_items", filter, sort).await;
    }
    let taken = doc! {"_id": &taking.id};
    assert_uses_index(&world.database, "taken", taken, as_it_comes()).await;
    let passed = doc! {"_id": &taking.saga, "epoch": {"$lte": 1_i64}};
    assert_uses_index(&world.database, "saga_epochs", passed, as_it_comes()).await;
}
