//! A backend goes away: a clear refusal in time, and recovery by itself when it returns.

use reen_testkit::{Backends, FaultProxy, TestBroker, TestDatabase, eventually};
use reen_tests::{Mesh, assert_invariants};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_a_503_and_comes_back_by_itself() {
    let database = TestDatabase::fresh();
    let proxy = FaultProxy::to(&Backends::find().mongo).await;
    let through = proxy.through(database.url_text());
    let mesh = Mesh::start_with(&[("PRODUCTS_DATABASE_URL", &through)]).await;
    let client = mesh.client();
    client.get("/products").await.ok();

    proxy.cut();
    let refused = eventually("a refusal", async || {
        let answer = client.get("/products").await;
        // What is remembered for a moment is still shown.
        (answer.status != 200).then_some(answer)
    })
    .await;
    assert_eq!(
        (refused.status, refused.code()),
        (503, "unavailable"),
        "{}",
        refused.body
    );
    let text = refused.body.to_string();
    assert!(
        !text.contains("127.0.0.1") && !text.contains("mongo"),
        "{text}"
    );

    proxy.restore();
    eventually("products to be back", async || {
        (client.get("/products").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_while_the_broker_is_away_becomes_an_order_when_it_returns() {
    let broker = TestBroker::fresh().await;
    let proxy = FaultProxy::to(&Backends::find().broker).await;
    let through = proxy.through(broker.url_text());
    let mesh = Mesh::start_with(&[("MESSAGE_BROKER_URL", &through)]).await;
    let seller = mesh.seller().await;
    let buyer = mesh.buyer().await;
    let product = seller.list_product("10", 5).await;
    let checkout = buyer.check_out(&product, 1).await;

    proxy.cut();
    buyer.pay(&checkout).await.ok();
    eventually("a webhook that was not accepted", async || {
        let events = buyer.stripe_get("/sim/events").await;
        let deliveries = events
            .as_array()?
            .iter()
            .flat_map(|event| event["deliveries"].as_array());
        deliveries
            .flatten()
            .any(|delivery| delivery["status"] == 503)
            .then_some(())
    })
    .await;

    proxy.restore();
    buyer.checkout_in(&checkout, "completed").await;
    assert_eq!(
        buyer.get("/orders").await.ok().as_array().map(Vec::len),
        Some(1)
    );
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_while_a_service_of_the_saga_lost_its_database_is_completed_later() {
    let database = TestDatabase::fresh();
    let proxy = FaultProxy::to(&Backends::find().mongo).await;
    let through = proxy.through(database.url_text());
    let mesh = Mesh::start_with(&[("ORDERS_DATABASE_URL", &through)]).await;
    let seller = mesh.seller().await;
    let buyer = mesh.buyer().await;
    let product = seller.list_product("10", 5).await;
    let checkout = buyer.check_out(&product, 1).await;

    proxy.cut();
    buyer.pay(&checkout).await.ok();
    buyer.checkout_in(&checkout, "paid").await;
    proxy.restore();
    let completed = buyer.checkout_in(&checkout, "completed").await;
    let order = buyer
        .get(&format!(
            "/orders/{}",
            completed["orderId"].as_str().unwrap()
        ))
        .await;
    assert_eq!(order.ok()["total"], 10);
}
