//! What an operator does over REST about what does not end by itself.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use bson::{DateTime, Document, doc};
use reen_mongo::Collection;
use reen_testkit::{Backends, FaultProxy, TestDatabase, eventually};
use reen_tests::{Client, Mesh, Scene};
use serde_json::{Value, json};
use stripe_webhook::Webhook;

const OWN_SECRET: &str = "whsec_of_this_test";

async fn saga_in(operator: &Client, id: &str, status: &str) -> Value {
    eventually(&format!("{id} to be {status}"), async || {
        let saga = operator.get(&format!("/admin/sagas/{id}")).await.ok();
        (saga["status"] == status).then_some(saga)
    })
    .await
}

/// A saga that waits for its next try has been tried often enough: by failing it would take an hour.
async fn get_stuck(mesh: &Mesh, id: &str) {
    let sagas: Collection<Document> = mesh.database("EVENTS").await.collection("sagas");
    let released = DateTime::from_millis(0);
    let waits = doc! {
        "_id": id, "status": "running", "attempts": {"$gt": 0}, "leaseUntil": released,
    };
    let stuck = doc! {"$set": {"status": "stuck", "stuckIn": "running"}};
    eventually("the saga to wait", async || {
        let set = sagas.update_one(waits.clone(), stuck.clone()).await;
        (set.unwrap().matched_count == 1).then_some(())
    })
    .await;
}

/// A scene whose orders service can be cut off from its database, and the proxy that does it.
async fn scene_without_orders() -> (Scene, FaultProxy, TestDatabase) {
    let database = TestDatabase::fresh();
    let proxy = FaultProxy::to(&Backends::find().mongo).await;
    let through = proxy.through(database.url_text());
    let mesh = Mesh::start_with(&[("ORDERS_DATABASE_URL", &through)]).await;
    (Scene::on(mesh, "10", 5).await, proxy, database)
}

/// A payment that waits for the orders service; answers its checkout and its saga's id.
async fn pay_in_vain(scene: &Scene) -> (Value, String) {
    let checkout = scene.buyer.check_out(&scene.product, 1).await;
    scene.buyer.pay(&checkout).await.ok();
    scene.buyer.checkout_in(&checkout, "paid").await;
    let id = format!(
        "order-completed:{}",
        checkout["checkoutId"].as_str().unwrap()
    );
    (checkout, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_saga_makes_its_order_when_an_operator_retries_it() {
    let (scene, proxy, _database) = scene_without_orders().await;
    let operator = scene.mesh.operator().await;
    proxy.cut();
    let (checkout, id) = pay_in_vain(&scene).await;
    get_stuck(&scene.mesh, &id).await;

    let stuck = operator.get("/admin/sagas?status=stuck").await.ok();
    assert_eq!(stuck.as_array().unwrap().len(), 1, "{stuck}");
    assert_eq!(stuck[0]["id"], id);
    let alerts = operator.get("/admin/alerts").await.ok();
    assert_eq!(alerts[0]["kind"], "saga_stuck", "{alerts}");
    assert_eq!(alerts[0]["subject"], id);

    proxy.restore();
    let retried = operator
        .post(&format!("/admin/sagas/{id}/retry"), json!({}))
        .await;
    assert_eq!(retried.ok()["status"], "running");
    scene.buyer.checkout_in(&checkout, "completed").await;
    saga_in(&operator, &id, "done").await;
    assert_eq!(operator.get("/admin/alerts").await.ok(), json!([]));
    let again = operator
        .post(&format!("/admin/sagas/{id}/retry"), json!({}))
        .await;
    assert_eq!((again.status, again.code()), (409, "illegal_transition"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_cannot_become_an_order_goes_back_when_an_operator_says_so() {
    let (scene, proxy, _database) = scene_without_orders().await;
    let operator = scene.mesh.operator().await;
    proxy.cut();
    let (checkout, id) = pay_in_vain(&scene).await;
    get_stuck(&scene.mesh, &id).await;
    let reason = json!({"reason": "the buyer does not want to wait"});
    let turned = operator
        .post(&format!("/admin/sagas/{id}/compensate"), reason)
        .await;
    assert_eq!(turned.ok()["status"], "compensating");
    proxy.restore();
    scene.buyer.checkout_in(&checkout, "refunded").await;
    saga_in(&operator, &id, "compensated").await;
    assert_eq!(scene.buyer.in_stock(&scene.product).await, 5);
    assert_eq!(scene.buyer.get("/orders").await.ok(), json!([]));
    let refunds = scene.buyer.stripe_get("/sim/refunds").await;
    assert_eq!(refunds.as_array().map(Vec::len), Some(1), "{refunds}");
}

/// Sends an event as Stripe does.
async fn send_event(mesh: &Mesh, event: &Value) -> u16 {
    let url = format!("{}/api/v1/webhooks/stripe", mesh.gateway);
    let body = event.to_string();
    let signature = Webhook::generate_test_header(&body, OWN_SECRET, None);
    let request = reqwest::Client::new().post(url).body(body);
    let answer = request.header("stripe-signature", signature).send().await;
    answer.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_event_is_seen_and_dropped() {
    let mesh = Mesh::start_with(&[("STRIPE_WEBHOOK_SIGNING_SECRET", OWN_SECRET)]).await;
    let operator = mesh.operator().await;
    // For a checkout of ours, but it does not say what was paid.
    let session = json!({
        "id": "cs_poison",
        "object": "checkout.session",
        "payment_status": "paid",
        "payment_intent": "pi_poison",
        "metadata": {"checkout_id": "66f0c0ffee66f0c0ffee0c01"},
    });
    let event = json!({
        "id": "evt_poison",
        "object": "event",
        "type": "checkout.session.completed",
        "data": {"object": session},
    });
    assert_eq!(send_event(&mesh, &event).await, 200);
    let letters = eventually("the dead letter", async || {
        let letters = operator.get("/admin/dead-letters").await.ok();
        letters.as_array().filter(|all| !all.is_empty()).cloned()
    })
    .await;
    assert_eq!(letters.len(), 1);
    let about = "stripe checkout.session.completed evt_poison";
    assert_eq!(letters[0]["about"], about);
    let alerts = operator.get("/admin/alerts").await.ok();
    assert_eq!(alerts[0]["kind"], "dead_letters", "{alerts}");

    let ids = json!({"ids": [letters[0]["id"]]});
    let dropped = operator.post("/admin/dead-letters/drop", ids.clone()).await;
    assert_eq!(dropped.ok(), json!({"dropped": 1}));
    assert_eq!(operator.get("/admin/dead-letters").await.ok(), json!([]));
    let gone = operator.post("/admin/dead-letters/replay", ids).await;
    assert_eq!((gone.status, gone.code()), (404, "not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operator_is_let_in_and_only_as_long_as_they_are_one() {
    let scene = Scene::with("10", 5).await;
    let operator = scene.mesh.operator().await;
    assert_eq!(operator.me().await["role"], "OPERATOR");
    for visitor in [&scene.buyer, &scene.seller] {
        let refused = visitor.get("/admin/sagas").await;
        assert_eq!((refused.status, refused.code()), (403, "forbidden"));
        let seen = visitor
            .get(&format!("/auth/users/{}", operator.user_id))
            .await;
        assert_eq!(seen.ok()["role"], "NADMIN", "nobody's business");
    }
    let stranger = scene.mesh.client().get("/admin/sagas").await;
    assert_eq!((stranger.status, stranger.code()), (401, "unauthenticated"));
    let selling = json!({"role": "ADMIN"});
    let refused = operator.post("/auth/update-user-role", selling).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));

    assert_eq!(operator.get("/admin/sagas").await.status, 200);
    scene.mesh.set_operator(&operator, false).await;
    let refused = operator.get("/admin/sagas").await;
    assert_eq!(
        (refused.status, refused.code()),
        (403, "forbidden"),
        "with the same token"
    );
}
