//! A request that its client named has its effect once, however often it is repeated, wherever it
//! arrives, and whatever dies over it.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bson::{DateTime, Document, doc};
use futures::future::join_all;
use reen_backends::ports;
use reen_testkit::{FaultProxy, eventually};
use reen_tests::{Answer, Client, Mesh, Scene, assert_invariants, cents};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// What a listing of five lamps at 10.00 costs.
const FEE: i64 = 200;
const TWENTY: usize = 20;

fn lamp() -> Value {
    json!({
        "name": "Brass lamp",
        "description": "Turned by hand.",
        "price": 10,
        "quantity": 5,
        "imageUrls": ["https://img.example/lamp.png"],
    })
}

/// A products service that can be killed: it has a runtime of its own.
struct Products {
    settings: HashMap<String, String>,
    runtime: Option<Runtime>,
}

impl Products {
    /// One on this port, with some settings of the mesh's changed.
    async fn start(mesh: &Mesh, port: u16, changed: &[(&str, &str)]) -> Self {
        let mut settings = mesh.settings().clone();
        settings.insert("PRODUCTS_PORT".to_owned(), port.to_string());
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        settings.extend(changed.iter().map(owned));
        let mut products = Self {
            settings,
            runtime: None,
        };
        products.run().await;
        products
    }

    async fn run(&mut self) {
        let config = reen_products::Config::read(&self.settings).unwrap();
        let mut threads = Builder::new_multi_thread();
        let runtime = threads.worker_threads(1).enable_all().build().unwrap();
        let starting = runtime.spawn(async {
            let app = reen_products::App::build(config).await.unwrap();
            tokio::spawn(app.run(CancellationToken::new()));
        });
        starting.await.unwrap();
        self.runtime = Some(runtime);
    }

    /// Ends it in the middle of whatever it does.
    fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Products {
    fn drop(&mut self) {
        self.kill();
    }
}

fn local(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

async fn balance(client: &Client) -> i64 {
    cents(&client.me().await["balance"])
}

/// How many products there are.
async fn listed(mesh: &Mesh) -> u64 {
    let database = mesh.database("PRODUCTS").await;
    let products = database.collection::<Document>("products");
    products.count_documents(doc! {}).await.unwrap()
}

/// All answers are the same but for those that say that it is being worked on; answers what they say.
fn agreed(answers: Vec<Answer>, field: &str) -> HashSet<String> {
    let settled = answers.into_iter().filter(|answer| {
        let is_in_flight = answer.code() == "idempotency_in_flight";
        assert!(is_in_flight || answer.status == 201, "{}", answer.body);
        !is_in_flight
    });
    settled
        .map(|answer| answer.body[field].to_string())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_repeats_at_two_replicas_have_one_effect() {
    let (one, other) = (ports::choose().unwrap(), ports::choose().unwrap());
    let both = format!("{},{}", local(one), local(other));
    let mesh = Mesh::start_with(&[
        ("PRODUCTS_PORT", &one.to_string()),
        ("PRODUCTS_SERVICE_URL", &both),
    ])
    .await;
    let _replica = Products::start(&mesh, other, &[]).await;
    let seller = mesh.seller().await;
    let before = balance(&seller).await;
    let listing = (0..TWENTY).map(|_| seller.post_once("/products", "k", lamp()));
    let products = agreed(join_all(listing).await, "id");
    assert_eq!(products.len(), 1, "{products:?}");
    assert_eq!(
        (listed(&mesh).await, balance(&seller).await),
        (1, before - FEE)
    );

    let again = seller.post_once("/products", "k", lamp()).await;
    assert!(again.replayed);
    let product = again.ok()["id"].as_str().unwrap().to_owned();
    let buyer = mesh.buyer().await;
    buyer.add_to_cart(&product, 2).await.ok();
    let opening = (0..TWENTY).map(|_| buyer.post_once("/checkout", "k", json!({})));
    let checkouts = agreed(join_all(opening).await, "checkoutId");
    assert_eq!(checkouts.len(), 1, "{checkouts:?}");
    assert_eq!(seller.in_stock(&product).await, 3, "held once");
    let checkout = buyer.post_once("/checkout", "k", json!({})).await;
    assert!(checkout.replayed);
    buyer.complete(&checkout.ok()).await;
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_one_requests_and_one_users() {
    let Scene {
        mesh: _mesh,
        seller,
        buyer,
        product,
    } = Scene::with("10", 50).await;
    let wish = |quantity: i64| json!({"productId": product, "quantity": quantity});
    let first = buyer.post_once("/cart-items", "k", wish(1)).await;
    assert!(!first.replayed);
    let first = first.ok();
    let again = buyer.post_once("/cart-items", "k", wish(1)).await;
    assert!(again.replayed);
    assert_eq!(again.ok(), first);
    let reused = buyer.post_once("/cart-items", "k", wish(2)).await;
    assert_eq!(
        (reused.status, reused.code()),
        (422, "idempotency_key_reused")
    );
    let cart = buyer.get("/cart-items").await.ok();
    assert_eq!(cart[0]["quantity"], 1);
    let another = seller.post_once("/cart-items", "k", wish(2)).await;
    assert_eq!(another.ok()["quantity"], 2, "somebody else's name");
    let elsewhere = buyer.post_once("/checkout", "k", json!({})).await;
    assert_eq!(elsewhere.status, 201, "another operation's name");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_may_be_asked_for_again_under_its_name() {
    let Scene {
        mesh: _mesh,
        buyer,
        product,
        ..
    } = Scene::with("10", 5).await;
    let empty = buyer.post_once("/checkout", "k", json!({})).await;
    assert_eq!((empty.status, empty.code()), (400, "empty_cart"));
    buyer.add_to_cart(&product, 1).await.ok();
    let opened = buyer.post_once("/checkout", "k", json!({})).await;
    assert_eq!((opened.status, opened.replayed), (201, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_on_its_way_is_given_again() {
    let port = ports::choose().unwrap();
    let proxy = FaultProxy::to(&local(port)).await;
    let mesh = Mesh::start_with(&[
        ("PRODUCTS_PORT", &port.to_string()),
        ("PRODUCTS_SERVICE_URL", &proxy.through(&local(port))),
    ])
    .await;
    let seller = mesh.seller().await;
    let before = balance(&seller).await;
    // Over such a slow line none would be made in time.
    eventually("a connection to products", async || {
        let products = seller.get("/products").await;
        (products.status == 200).then_some(())
    })
    .await;
    proxy.delay(Duration::from_millis(500));
    let asking = {
        let seller = seller.clone();
        tokio::spawn(async move { seller.post_once("/products", "k", lamp()).await })
    };
    // The effect is there, and the answer is still on its way.
    eventually("the product", async || {
        (listed(&mesh).await == 1).then_some(())
    })
    .await;
    proxy.cut();
    let lost = asking.await.unwrap();
    assert!(lost.status >= 500, "{}", lost.body);
    proxy.restore();
    let again = eventually("the service to be reached again", async || {
        let again = seller.insist_once("/products", "k", lamp()).await;
        (again.status == 201).then_some(again)
    })
    .await;
    assert!(again.replayed);
    assert_eq!(
        (listed(&mesh).await, balance(&seller).await),
        (1, before - FEE)
    );
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_dies_between_its_fee_and_its_product_is_gone_on_with() {
    let port = ports::choose().unwrap();
    let mesh = Mesh::start_with(&[("PRODUCTS_SERVICE_URL", &local(port))]).await;
    let auth = FaultProxy::to(mesh.service_url("AUTH")).await;
    let through = auth.through(mesh.service_url("AUTH"));
    let mut products = Products::start(&mesh, port, &[("AUTH_SERVICE_URL", &through)]).await;
    let seller = mesh.seller().await;
    let before = balance(&seller).await;
    auth.delay(Duration::from_millis(500));
    let asking = {
        let seller = seller.clone();
        tokio::spawn(async move { seller.post_once("/products", "k", lamp()).await })
    };
    eventually("the fee to be charged", async || {
        (balance(&seller).await == before - FEE).then_some(())
    })
    .await;
    products.kill();
    let lost = asking.await.unwrap();
    assert!(lost.status >= 500, "{}", lost.body);
    assert_eq!(listed(&mesh).await, 0);

    auth.delay(Duration::ZERO);
    products.run().await;
    let early = eventually("the service to be reached again", async || {
        let early = seller.post_once("/products", "k", lamp()).await;
        (early.status != 503).then_some(early)
    })
    .await;
    assert_eq!((early.status, early.code()), (409, "idempotency_in_flight"));
    let database = mesh.database("PRODUCTS").await;
    let requests = database.collection::<Document>("idempotency");
    let over = doc! {"$set": {"leaseUntil": DateTime::MIN}};
    requests.update_many(doc! {}, over).await.unwrap();
    let again = seller.post_once("/products", "k", lamp()).await;
    assert_eq!(
        (again.status, again.replayed),
        (201, false),
        "{}",
        again.body
    );
    assert_eq!(
        (listed(&mesh).await, balance(&seller).await),
        (1, before - FEE)
    );
    assert_invariants(&mesh).await;
}
