//! Money that does not fit: through the whole mesh.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use bson::oid::ObjectId;
use bson::{Document, doc};
use reen_tests::{Mesh, Scene, assert_invariants};
use serde_json::{Value, json};

/// As if Stripe had collected another amount than the snapshot's.
async fn change_total(mesh: &Mesh, checkout: &Value, by_cents: i64) {
    let id = ObjectId::parse_str(checkout["checkoutId"].as_str().unwrap()).unwrap();
    let checkouts = mesh.database("CHECKOUT").await;
    let checkouts = checkouts.collection::<Document>("checkouts");
    let changed = doc! {"$inc": {"totalCents": by_cents}};
    let changed = checkouts.update_one(doc! {"_id": id}, changed).await;
    assert_eq!(changed.unwrap().modified_count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_not_the_total_is_refused_and_goes_back() {
    let Scene {
        mesh,
        buyer,
        product,
        ..
    } = Scene::with("10", 5).await;
    let balance = buyer.me().await["balance"].clone();
    let checkout = buyer.check_out(&product, 2).await;
    change_total(&mesh, &checkout, 1).await;
    buyer.pay(&checkout).await.ok();
    buyer.checkout_in(&checkout, "refunded").await;
    change_total(&mesh, &checkout, -1).await;

    let refunds = buyer.stripe_get("/sim/refunds").await;
    assert_eq!(refunds.as_array().map(Vec::len), Some(1), "{refunds}");
    assert_eq!(refunds[0]["amount"], 2_000);
    assert_eq!(buyer.get("/orders").await.ok(), json!([]));
    assert_eq!(buyer.me().await["balance"], balance);
    assert_eq!(buyer.in_stock(&product).await, 5);
    assert_invariants(&mesh).await;
}
