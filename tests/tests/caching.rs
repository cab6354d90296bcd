//! What gateways remember, on a whole mesh: whatever changes a product shows through every gateway, at
//! once when the news of it arrive, and within two seconds when they do not.

use std::time::{Duration, Instant};

use reen_testkit::{Backends, TestBroker, eventually};
use reen_tests::{Answer, Client, GatewayReplica, Mesh, Scene, assert_invariants};
use serde_json::{Value, json};

/// How old an answer may be.
const BOUND: Duration = Duration::from_secs(2);

/// A mesh whose gateways have Redis.
async fn with_redis() -> Mesh {
    let redis = Backends::find().redis;
    Mesh::start_with(&[("REDIS_SERVICE_URL", &redis)]).await
}

/// The same visitor at another gateway.
fn at(visitor: &Client, gateway: &GatewayReplica) -> Client {
    visitor.at(&format!("http://{}", gateway.address()))
}

async fn seen(visitor: &Client, product: &str, field: &str) -> Value {
    let answer = visitor.get(&format!("/products/{product}")).await;
    answer.ok()[field].clone()
}

async fn reprice(seller: &Client, product: &str, price: i64) -> Answer {
    let path = format!("/products/{product}");
    seller.patch(&path, json!({"price": price})).await
}

/// Waits until all of them see it.
async fn all_see(visitors: &[&Client], product: &str, field: &str, expected: Value) {
    eventually(&format!("{field} to be {expected}"), async || {
        for visitor in visitors {
            if seen(visitor, product, field).await != expected {
                return None;
            }
        }
        Some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_gateway_shows_what_was_written_through_another() {
    let Scene {
        mesh,
        seller,
        buyer,
        product,
    } = Scene::on(with_redis().await, "10", 100).await;
    let redis = Backends::find().redis;
    let other = mesh.another_gateway(&[("REDIS_SERVICE_URL", &redis)]).await;
    let elsewhere = at(&buyer, &other);
    let began = Instant::now();
    for price in 11..23 {
        reprice(&seller, &product, price).await.ok();
        assert_eq!(
            seen(&seller, &product, "price").await,
            price,
            "its own write"
        );
        all_see(&[&elsewhere], &product, "price", price.into()).await;
    }
    // By its age alone each round would take a second.
    assert!(began.elapsed() < Duration::from_secs(8));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_purchase_does_to_the_stock_is_seen_everywhere() {
    let Scene {
        mesh,
        seller,
        buyer,
        product,
    } = Scene::on(with_redis().await, "10", 9).await;
    let redis = Backends::find().redis;
    let other = mesh.another_gateway(&[("REDIS_SERVICE_URL", &redis)]).await;
    let elsewhere = at(&seller, &other);
    let everywhere = [&buyer, &elsewhere];
    all_see(&everywhere, &product, "quantity", 9.into()).await;
    let given_up = buyer.check_out(&product, 2).await;
    all_see(&everywhere, &product, "quantity", 7.into()).await;
    let id = given_up["checkoutId"].as_str().unwrap();
    let cancel = format!("/checkout/{id}/cancel");
    buyer.post(&cancel, json!({})).await.ok();
    all_see(&everywhere, &product, "quantity", 9.into()).await;
    let checkout = buyer.open_checkout().await.ok();
    buyer.complete(&checkout).await;
    all_see(&everywhere, &product, "quantity", 7.into()).await;
    all_see(&everywhere, &product, "orderCount", 1.into()).await;
    let path = format!("/products/{product}");
    seller.delete(&path).await.ok();
    assert_eq!(seller.get(&path).await.status, 404, "its own write");
    eventually("the product to be gone everywhere", async || {
        (elsewhere.get(&path).await.status == 404).then_some(())
    })
    .await;
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_seconds_hold_without_news_and_without_redis() {
    let broker = TestBroker::fresh().await;
    let Scene {
        mesh,
        seller,
        buyer,
        product,
    } = Scene::on(with_redis().await, "10", 9).await;
    let redis = Backends::find().redis;
    // They listen to a broker on which nothing is ever said.
    for redis in [&*redis, "redis://127.0.0.1:1"] {
        let deaf = [
            ("REDIS_SERVICE_URL", redis),
            ("MESSAGE_BROKER_URL", broker.url_text()),
        ];
        let deaf = mesh.another_gateway(&deaf).await;
        let visitor = at(&buyer, &deaf);
        let before = seen(&visitor, &product, "price").await;
        let price = before.as_i64().unwrap() + 1;
        reprice(&seller, &product, price).await.ok();
        let written = Instant::now();
        let mut last_old = written;
        eventually("the new price", async || {
            let asked = Instant::now();
            let price_now = seen(&visitor, &product, "price").await;
            if price_now == before {
                last_old = asked;
            }
            (price_now == price).then_some(())
        })
        .await;
        assert!(last_old <= written + BOUND);
    }
}
