//! Stripe's events: repeated, late, and for payments that cannot become an order.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use bson::doc;
use futures::future::join_all;
use reen_testkit::eventually;
use reen_tests::{Mesh, Scene, assert_invariants};
use serde_json::{Value, json};

const COMPLETED: &str = "checkout.session.completed";

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_delivered_five_times_at_once_makes_one_order() {
    let Scene {
        mesh,
        buyer,
        product,
        ..
    } = Scene::with("10", 5).await;
    let order = buyer.buy(&product, 1).await;

    let events = mesh.delivered_events(COMPLETED, 1).await;
    let event = events[0]["id"].as_str().unwrap();
    let path = format!("/sim/events/{event}/resend?times=5&concurrent=true");
    buyer.stripe_post(&path, json!({})).await.ok();
    eventually("six deliveries", async || {
        let sent = buyer.stripe_get("/sim/events").await;
        let this = sent
            .as_array()?
            .iter()
            .find(|sent| sent["id"] == event)?
            .clone();
        let accepted = |delivery: &&Value| delivery["status"] == 200;
        (this["deliveries"]
            .as_array()?
            .iter()
            .filter(accepted)
            .count()
            >= 6)
            .then_some(())
    })
    .await;

    let orders = buyer.get("/orders").await.ok();
    assert_eq!(orders.as_array().unwrap().len(), 1);
    assert_eq!(orders[0]["id"], order["id"]);
    assert_eq!(buyer.me().await["purchasesCount"], 1);
    assert_eq!(mesh.order_letters_to(&buyer.email).len(), 1);
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_stock_is_gone_is_refunded_once_and_the_buyer_is_told() {
    let mesh = Mesh::start().await;
    let seller = mesh.seller().await;
    let (late, quick) = (mesh.buyer().await, mesh.buyer().await);
    let product = seller.list_product("10", 1).await;
    late.add_to_cart(&product, 1).await.ok();
    quick.add_to_cart(&product, 1).await.ok();
    let checkout = late.open_checkout().await.ok();
    // As if the hold had run out while the payment was on its way.
    lose_hold(&mesh, checkout["checkoutId"].as_str().unwrap()).await;
    let other = quick.open_checkout().await.ok();
    late.pay(&checkout).await.ok();
    quick.pay(&other).await.ok();
    late.checkout_in(&checkout, "refunded").await;
    quick.checkout_in(&other, "completed").await;

    let refunds = late.stripe_get("/sim/refunds").await;
    assert_eq!(refunds.as_array().map(Vec::len), Some(1), "{refunds}");
    assert_eq!(refunds[0]["amount"], 1_000);
    assert_eq!(late.get("/orders").await.ok(), json!([]));
    let letter = eventually("a letter", async || {
        mesh.order_letters_to(&late.email).into_iter().next()
    });
    assert!(letter.await.contains("refunded"));
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_payment_gets_its_order_when_there_is_stock_again() {
    let Scene {
        mesh,
        buyer,
        product,
        ..
    } = Scene::with("10", 1).await;
    let checkout = buyer.check_out(&product, 1).await;
    lose_hold(&mesh, checkout["checkoutId"].as_str().unwrap()).await;
    buyer.pay(&checkout).await.ok();
    buyer.checkout_in(&checkout, "completed").await;
    assert_eq!(buyer.in_stock(&product).await, 0);
    assert_invariants(&mesh).await;
}

/// Releases a hold behind the mesh's back, stock included.
async fn lose_hold(mesh: &Mesh, checkout_id: &str) {
    let products = mesh.database("PRODUCTS").await;
    let holds = products.collection::<bson::Document>("holds");
    let released = doc! {"$set": {"state": "released"}};
    let hold = holds
        .find_one_and_update(doc! {"_id": checkout_id}, released)
        .await;
    let hold = hold.unwrap().unwrap();
    let stock = products.collection::<bson::Document>("products");
    for line in hold.get_array("lines").unwrap() {
        let line = line.as_document().unwrap();
        let pieces = line.get_i64("quantity").unwrap();
        let back = doc! {"$inc": {"quantity": pieces, "held": -pieces, "version": 1_i64}};
        let this = doc! {"_id": line.get_object_id("productId").unwrap()};
        stock.update_one(this, back).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_purchases_at_once_all_end_in_one_order_each() {
    let mesh = Mesh::start().await;
    let seller = mesh.seller().await;
    let product = seller.list_product("10", 1_000).await;
    let mut buyers = Vec::new();
    for _ in 0..16 {
        buyers.push(mesh.buyer().await);
    }
    join_all(buyers.iter().map(async |buyer| {
        for _ in 0..3 {
            buyer.buy(&product, 2).await;
        }
    }))
    .await;
    let seen = seller.sees_ordered(&product, 48).await;
    assert_eq!(seen["quantity"], 1_000 - 96);
    assert_invariants(&mesh).await;
}
