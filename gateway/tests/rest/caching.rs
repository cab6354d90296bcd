//! Public answers that are remembered: by one gateway, by several, with Redis and without.

use std::time::{Duration, Instant};

use bson::oid::ObjectId;
use futures::future::join_all;
use reen_messaging::{Message, Topic};
use reen_proto::events::PRODUCTS_CHANGED;
use reen_proto::events::v1::ProductsChanged;
use reen_proto::products::v1::Product;
use reen_testkit::{Backends, FaultProxy, eventually};
use reqwest::Method;
use serde_json::json;

use crate::support::{BUYER, Gateway, PRODUCT, SELLER, product, send};

/// A product that no other test has in Redis.
fn of_its_own() -> Product {
    Product {
        id: ObjectId::new().to_hex(),
        ..product(1)
    }
}

/// A gateway with Redis whose shop has one product; its path.
async fn with_redis() -> (Gateway, String) {
    let redis = Backends::find().redis;
    let gateway = Gateway::start_with(&[("REDIS_SERVICE_URL", &redis)]).await;
    let product = of_its_own();
    let path = format!("/products/{}", product.id);
    gateway.mesh.with(|state| state.products = vec![product]);
    (gateway, path)
}

async fn name(gateway: &Gateway, path: &str) -> String {
    let answer = send(gateway.get(path)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["name"].as_str().unwrap().to_owned()
}

fn rename(gateway: &Gateway, name: &str) {
    let name = name.to_owned();
    gateway.mesh.with(|state| state.products[0].name = name);
}

/// What is remembered is loaded anew each second, and once more when the gateway has begun to hear news:
/// it forgets then what it may have missed.
fn most_loads_since(began: Instant) -> usize {
    2 + usize::try_from(began.elapsed().as_secs()).unwrap()
}

/// Says what products says when this one has changed.
async fn announce(gateway: &Gateway, path: &str) {
    let broker = gateway.broker().await;
    let topic = Topic {
        name: PRODUCTS_CHANGED,
    };
    let id = path.rsplit('/').next().unwrap().to_owned();
    let news = Message::new(&ProductsChanged { ids: vec![id] });
    broker.announcer(topic).announce(&news).await.unwrap();
    broker.close().await;
}

#[tokio::test]
async fn what_everybody_asks_for_is_loaded_once() {
    let gateway = Gateway::start().await;
    gateway.mesh.with(|state| state.products = vec![product(1)]);
    for (path, method) in [
        (&*format!("/products/{PRODUCT}"), "FindProducts"),
        ("/products?limit=20", "ListProducts"),
        ("/auth/find-all", "ListUsers"),
        (&*format!("/auth/users/{SELLER}"), "GetUser"),
    ] {
        let began = Instant::now();
        let asking = (0..100).map(|_| send(gateway.get(path)));
        let answers = join_all(asking).await;
        assert!(answers.iter().all(|answer| answer.text == answers[0].text));
        let loads = gateway.mesh.count(method);
        let most = most_loads_since(began);
        assert!((1..=most).contains(&loads), "{loads} loads of {path}");
    }
    let metrics = gateway.client.get(format!("{}/metrics", gateway.admin));
    assert_eq!(send(metrics).await.status, 200);
}

#[tokio::test]
async fn the_same_question_in_other_words_is_the_same_question() {
    let gateway = Gateway::start().await;
    gateway
        .mesh
        .with(|state| state.products = (1..=3).map(product).collect());
    let began = Instant::now();
    let mut links = Vec::new();
    for query in [
        "limit=2&name=lamp",
        "utm=x&name=lamp&limit=2",
        "limit=2&name=l%61mp&page=1",
    ] {
        let answer = send(gateway.get(&format!("/products?{query}"))).await;
        assert_eq!(answer.header("x-total-count"), "3");
        links.push(answer.header("link").to_owned());
    }
    assert!(gateway.mesh.count("ListProducts") <= most_loads_since(began));
    assert!(
        links[1].contains("utm=x") && !links[0].contains("utm"),
        "{links:?}"
    );
    send(gateway.get("/products?limit=2&name=lamp&order=asc")).await;
    send(gateway.get("/products?name=lamp")).await;
    assert!(gateway.mesh.count("ListProducts") >= 3, "other questions");
}

#[tokio::test]
async fn lists_and_users_have_tags_as_well() {
    let gateway = Gateway::start().await;
    gateway
        .mesh
        .with(|state| state.products = (1..=30).map(product).collect());
    let user = format!("/auth/users/{SELLER}");
    for path in ["/products", "/products?page=2", "/auth/find-all", &user] {
        let first = send(gateway.get(path)).await;
        assert_eq!(first.header("cache-control"), "public, no-cache", "{path}");
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with('"'), "{tag} is strong");
        let again = send(gateway.get(path).header("if-none-match", &tag)).await;
        assert_eq!(
            (again.status.as_u16(), again.text.as_str()),
            (304, ""),
            "{path}"
        );
        for header in ["etag", "x-total-count", "link"] {
            assert_eq!(
                first.headers.get(header),
                again.headers.get(header),
                "{path} {header}"
            );
        }
        let head = send(gateway.request(Method::HEAD, path)).await;
        assert_eq!(
            (head.status.as_u16(), head.text.as_str()),
            (200, ""),
            "{path}"
        );
        assert_eq!(head.header("etag"), tag);
    }
}

#[tokio::test]
async fn what_a_user_sees_of_itself_is_nobody_elses() {
    let gateway = Gateway::start().await;
    let path = format!("/auth/users/{BUYER}");
    for _ in 0..2 {
        let public = send(gateway.get(&path)).await;
        assert_eq!(public.json()["email"], json!(null));
        assert!(public.header("vary").contains("authorization"));
        let other = send(gateway.signed_in(SELLER, Method::GET, &path)).await;
        assert_eq!(other.json()["email"], json!(null));
        let own = send(gateway.signed_in(BUYER, Method::GET, &path)).await;
        assert_eq!(own.json()["email"], "ada@example.com");
        assert_eq!(own.header("cache-control"), "no-store");
        assert!(own.header("vary").contains("authorization"));
    }
}

#[tokio::test]
async fn who_wants_the_truth_says_so() {
    let gateway = Gateway::start().await;
    gateway.mesh.with(|state| state.products = vec![product(1)]);
    let path = format!("/products/{PRODUCT}");
    for loads in 1..=3 {
        let request = gateway.get(&path).header("cache-control", "no-cache");
        assert_eq!(send(request).await.status, 200);
        assert_eq!(gateway.mesh.count("FindProducts"), loads);
    }
    let off = Gateway::start_with(&[("CACHE_BYTES", "0")]).await;
    for loads in 1..=3 {
        assert_eq!(send(off.get("/products")).await.status, 200);
        assert_eq!(off.mesh.count("ListProducts"), loads);
    }
}

#[tokio::test]
async fn that_there_is_no_such_product_is_remembered_for_a_moment() {
    let gateway = Gateway::start().await;
    let path = format!("/products/{PRODUCT}");
    let began = Instant::now();
    for _ in 0..5 {
        let answer = send(gateway.get(&path)).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    }
    assert!(gateway.mesh.count("FindProducts") <= most_loads_since(began));
    gateway.mesh.with(|state| state.products = vec![product(1)]);
    eventually("the product", async || {
        (send(gateway.get(&path)).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn nothing_is_shown_that_is_older_than_two_seconds() {
    let (first, path) = with_redis().await;
    let second = first.replica().await;
    let mut last_old = Instant::now();
    assert_eq!(name(&first, &path).await, "Lamp 1");
    let loaded = Instant::now();
    rename(&first, "Torch");
    eventually("the news to be seen everywhere", async || {
        let mut names = Vec::new();
        for gateway in [&first, &second] {
            let asked = Instant::now();
            let name = name(gateway, &path).await;
            if name == "Lamp 1" {
                last_old = asked;
            }
            names.push(name);
        }
        (names == ["Torch", "Torch"]).then_some(())
    })
    .await;
    assert!(last_old <= loaded + Duration::from_secs(2));
}

#[tokio::test]
async fn what_products_announces_is_seen_through_every_gateway_at_once() {
    let (first, path) = with_redis().await;
    let second = first.replica().await;
    let began = Instant::now();
    for round in 0..12 {
        let new = format!("Lamp of round {round}");
        rename(&first, &new);
        announce(&first, &path).await;
        eventually("the new name", async || {
            let names = [name(&first, &path).await, name(&second, &path).await];
            names.iter().all(|name| *name == new).then_some(())
        })
        .await;
    }
    // By its age alone each round would take a second.
    assert!(began.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn who_changes_a_product_sees_the_change() {
    let (gateway, path) = with_redis().await;
    for round in 0..5 {
        name(&gateway, &path).await;
        rename(&gateway, &format!("Lamp {round}"));
        let patch = gateway.signed_in(SELLER, Method::PATCH, &path);
        assert_eq!(send(patch.json(&json!({"price": 1}))).await.status, 200);
        assert_eq!(name(&gateway, &path).await, format!("Lamp {round}"));
    }
    rename(&gateway, "One of many");
    let bulk = gateway.signed_in(SELLER, Method::PATCH, "/products");
    let bulk = bulk.json(&json!([{"id": path.rsplit('/').next(), "price": 1}]));
    assert_eq!(send(bulk).await.status, 207);
    assert_eq!(name(&gateway, &path).await, "One of many");
    assert_eq!(send(gateway.get("/products?limit=7")).await.status, 200);
    let remove = gateway.signed_in(SELLER, Method::DELETE, &path);
    assert_eq!(send(remove).await.status, 200);
    gateway.mesh.with(|state| state.products.clear());
    let list = send(gateway.get("/products?limit=7")).await;
    assert_eq!(list.json()["products"], json!([]));
    assert_eq!(send(gateway.get(&path)).await.status, 404);
}

#[tokio::test]
async fn a_change_is_meant_for_what_is_and_not_for_what_is_remembered() {
    let gateway = Gateway::start().await;
    gateway.mesh.with(|state| state.products = vec![product(1)]);
    let path = format!("/products/{PRODUCT}");
    let tag = send(gateway.get(&path)).await.header("etag").to_owned();
    rename(&gateway, "Torch");
    let patch = gateway.signed_in(SELLER, Method::PATCH, &path);
    let patch = patch.header("if-match", &tag).json(&json!({"price": 1}));
    assert_eq!(send(patch).await.problem().0, 412);
}

#[tokio::test]
async fn without_redis_it_is_right_and_only_slower() {
    let redis = Backends::find().redis;
    let proxy = FaultProxy::to(&redis).await;
    let through = proxy.through(&redis);
    let gateway = Gateway::start_with(&[("REDIS_SERVICE_URL", &through)]).await;
    let read = async |what: &str| {
        let product = of_its_own();
        let path = format!("/products/{}", product.id);
        gateway.mesh.with(|state| state.products = vec![product]);
        let began = Instant::now();
        assert_eq!(name(&gateway, &path).await, "Lamp 1", "{what}");
        began.elapsed()
    };
    read("with Redis").await;
    proxy.delay(Duration::from_secs(5));
    assert!(read("with a slow Redis").await < Duration::from_secs(4));
    proxy.restore();
    proxy.cut();
    read("without Redis").await;
    proxy.restore();
    read("with Redis again").await;
    let never = [("REDIS_SERVICE_URL", "redis://127.0.0.1:1")];
    let gateway = Gateway::start_with(&never).await;
    assert_eq!(send(gateway.get("/products")).await.status, 200);
}
