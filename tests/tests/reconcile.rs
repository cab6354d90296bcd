//! Webhooks that never come: the reconciler sees to it that every payment gets its order all the same.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use reen_testkit::eventually;
use reen_tests::{Mesh, Scene, assert_invariants};
use serde_json::{Value, json};

/// A mesh that refuses every webhook, as after a mistake with the signing secret, and that reconciles
/// every second.
async fn deaf_mesh() -> Mesh {
    Mesh::start_with(&[
        ("STRIPE_WEBHOOK_SIGNING_SECRET", "whsec_of_another_endpoint"),
        ("RECONCILE_EVERY_SECONDS", "1"),
        ("RECONCILE_PAID_DEADLINE_SECONDS", "60"),
    ])
    .await
}

/// As if the checkout had been opened an hour before: its page is closed.
async fn an_hour_passes(mesh: &Mesh, checkout: &Value) {
    let id = ObjectId::parse_str(checkout["checkoutId"].as_str().unwrap()).unwrap();
    let checkouts = mesh.database("CHECKOUT").await;
    let checkouts = checkouts.collection::<Document>("checkouts");
    let an_hour_ago = DateTime::from_millis(DateTime::now().timestamp_millis() - 3_600_000);
    let closed = doc! {"$set": {"expiresAt": an_hour_ago}};
    let changed = checkouts.update_one(doc! {"_id": id}, closed).await;
    assert_eq!(changed.unwrap().modified_count, 1);
}

/// Waits until Stripe was refused.
async fn a_webhook_is_lost(mesh: &Mesh) {
    let client = mesh.client();
    eventually("a webhook that is refused", async || {
        let events = client.stripe_get("/sim/events").await;
        let refused = |event: &Value| event["delivered"] == false && event["attempts"] != 0;
        events.as_array()?.iter().any(refused).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_webhook_never_comes_gets_its_order_all_the_same() {
    let Scene {
        mesh,
        buyer,
        product,
        ..
    } = Scene::on(deaf_mesh().await, "10", 5).await;
    let checkout = buyer.check_out(&product, 2).await;
    buyer.pay(&checkout).await.ok();
    a_webhook_is_lost(&mesh).await;
    an_hour_passes(&mesh, &checkout).await;

    let completed = buyer.checkout_in(&checkout, "completed").await;
    let orders = buyer.get("/orders").await.ok();
    assert_eq!(orders.as_array().map(Vec::len), Some(1), "{orders}");
    assert_eq!(orders[0]["id"], completed["orderId"]);
    assert_eq!(buyer.in_stock(&product).await, 3);
    assert_eq!(buyer.stripe_get("/sim/refunds").await, json!([]));
    let letter = eventually("a letter", async || {
        mesh.order_letters_to(&buyer.email).into_iter().next()
    });
    assert!(letter.await.contains("$20.00"));
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expiry_whose_webhook_never_comes_gives_the_stock_back() {
    let Scene {
        mesh,
        buyer,
        product,
        ..
    } = Scene::on(deaf_mesh().await, "10", 5).await;
    let checkout = buyer.check_out(&product, 2).await;
    assert_eq!(buyer.in_stock(&product).await, 3);
    buyer.expire_session(&checkout).await.ok();
    an_hour_passes(&mesh, &checkout).await;

    buyer.checkout_in(&checkout, "expired").await;
    eventually("the stock to be back", async || {
        (buyer.in_stock(&product).await == 5).then_some(())
    })
    .await;
    assert_invariants(&mesh).await;
}
