//! Collections that are made while the checker looks, as by the first order of a mesh.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::time::Duration;

use bson::{Document, doc};
use futures::TryStreamExt as _;
use reen_invariants::{Databases, Progress, Terms, check};
use reen_mongo::Database;
use reen_testkit::{FaultProxy, TestDatabase, eventually};
use secrecy::SecretString;

/// Each way: between two reads there is time enough to make a collection.
const FAR_AWAY: Duration = Duration::from_millis(100);

/// One database, as it is before anything was bought.
async fn of_a_new_mesh(database: &Database) {
    let first = [
        "users",
        "products",
        "cart_items",
        "checkouts",
        "orders",
        "sagas",
    ];
    for collection in first {
        let making = database.driver().create_collection(collection);
        making.await.unwrap();
    }
}

/// How often the orders were read, this time as well.
async fn reads_of_orders(database: &Database) -> i64 {
    let orders = database.collection::<Document>("orders");
    let told = orders.aggregate([doc! {"$collStats": {"latencyStats": {}}}]);
    let told: Vec<Document> = told.await.unwrap().try_collect().await.unwrap();
    let reads = told[0].get_document("latencyStats").unwrap();
    reads.get_document("reads").unwrap().get_i64("ops").unwrap()
}

/// Between the reads of the orders and of what was counted of them.
async fn make_the_counts(database: &Database, progress: &Progress) {
    eventually("the counts of orders to be looked at", async || {
        (progress.glance().stage == "ordered products").then_some(())
    })
    .await;
    let before = reads_of_orders(database).await;
    let mut own = 0;
    eventually("the orders to be read", async || {
        own += 1;
        (reads_of_orders(database).await > before + own).then_some(())
    })
    .await;
    let making = database.driver().create_collection("product_counts");
    making.await.unwrap();
}

#[tokio::test]
async fn a_collection_that_is_made_meanwhile_is_no_failure() {
    let fresh = TestDatabase::fresh();
    let database = fresh.open().await;
    of_a_new_mesh(&database).await;
    let proxy = FaultProxy::to(fresh.url_text()).await;
    let far = SecretString::from(proxy.through(fresh.url_text()));
    let databases = Databases {
        auth: database.clone(),
        products: database.clone(),
        cart_items: database.clone(),
        checkout: database.clone(),
        orders: Database::open(&far, "far-away").await.unwrap(),
        events: database.clone(),
    };
    proxy.delay(FAR_AWAY);
    let progress = Progress::default();
    let checking = check(&databases, Terms::quiet(), &progress);
    let making = make_the_counts(&database, &progress);
    let (checked, ()) = futures::join!(checking, making);
    assert_eq!(checked.unwrap().findings, []);
}
