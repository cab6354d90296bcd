//! How clients name their requests, and what becomes of the names.

use reen_chassis::RequestKey;
use reen_error::Code;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, BUYER, Gateway, ITEM, PRODUCT, SELLER, send};

const KEY: &str = "idempotency-key";

/// Takes no part, although it takes a body and credentials: its answer holds credentials itself, or is
/// that a letter is on its way.
const APART: [&str; 3] = ["/auth/", "/webhooks/", "/health/"];
/// Those of auth that take part all the same.
const OF_AUTH: [&str; 2] = [
    "POST /api/v1/auth/update-user-role",
    "PATCH /api/v1/auth/users/me",
];

impl Gateway {
    fn last_key(&self) -> Option<RequestKey> {
        self.mesh.with(|state| state.last_key.take())
    }

    /// Puts something into a cart; the body is sent as it is.
    async fn add(&self, user: &str, key: &str, body: &str) -> Answer {
        let request = self.signed_in(user, Method::POST, "/cart-items");
        let request = request.header("content-type", "application/json");
        send(request.header(KEY, key).body(body.to_owned())).await
    }
}

#[tokio::test]
async fn a_name_goes_with_the_call_that_has_the_effect() {
    let gateway = Gateway::start().await;
    let body = format!(r#"{{"productId": "{PRODUCT}", "quantity": 2}}"#);
    let answer = gateway.add(BUYER, "k-1", &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert!(!answer.headers.contains_key("idempotency-replayed"));
    let key = gateway.last_key().unwrap();
    assert!(key.id().contains(BUYER) && key.id().contains("AddItem"));
    assert!(!key.id().contains("k-1"), "keys are nobody's business");

    let other_way = format!(r#"{{"quantity":2.0,"productId":"{PRODUCT}"}}"#);
    gateway.add(BUYER, "k-1", &other_way).await;
    assert_eq!(gateway.last_key().unwrap(), key, "the same is asked for");
    let another = format!(r#"{{"productId": "{PRODUCT}", "quantity": 3}}"#);
    gateway.add(BUYER, "k-1", &another).await;
    let reused = gateway.last_key().unwrap();
    assert_eq!(reused.id(), key.id());
    assert_ne!(reused.fingerprint(), key.fingerprint());
    gateway.add(BUYER, "k-2", &body).await;
    assert_ne!(gateway.last_key().unwrap().id(), key.id());
    gateway.add(SELLER, "k-1", &body).await;
    assert_ne!(gateway.last_key().unwrap().id(), key.id());
}

#[tokio::test]
async fn the_path_is_a_part_of_what_is_asked_for() {
    let gateway = Gateway::start().await;
    let mut fingerprints = Vec::new();
    for id in [ITEM, PRODUCT] {
        let path = format!("/cart-items/{id}");
        let request = gateway.signed_in(BUYER, Method::PATCH, &path);
        send(request.header(KEY, "k").json(&json!({"quantity": 1}))).await;
        fingerprints.push(gateway.last_key().unwrap());
    }
    assert_eq!(fingerprints[0].id(), fingerprints[1].id());
    assert_ne!(fingerprints[0].fingerprint(), fingerprints[1].fingerprint());
}

#[tokio::test]
async fn a_replayed_answer_says_so() {
    let gateway = Gateway::start().await;
    gateway.mesh.with(|state| state.replays = true);
    let body = format!(r#"{{"productId": "{PRODUCT}", "quantity": 2}}"#);
    let answer = gateway.add(BUYER, "k", &body).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn what_the_service_says_of_a_name_is_told() {
    let gateway = Gateway::start().await;
    let body = format!(r#"{{"productId": "{PRODUCT}", "quantity": 2}}"#);
    for (code, status) in [
        (Code::IdempotencyInFlight, 409),
        (Code::IdempotencyKeyReused, 422),
    ] {
        gateway.mesh.fail("AddItem", code);
        let answer = gateway.add(BUYER, "k", &body).await;
        assert_eq!(answer.problem(), (status, code.word().to_owned()));
    }
}

#[tokio::test]
async fn a_name_that_is_none_is_refused_and_one_that_nobody_takes_is_not_looked_at() {
    let gateway = Gateway::start().await;
    let body = format!(r#"{{"productId": "{PRODUCT}", "quantity": 2}}"#);
    for key in ["", "a b", "ä", &"k".repeat(256)] {
        let answer = gateway.add(BUYER, key, &body).await;
        let expected = (400, "bad_idempotency_key".to_owned());
        assert_eq!(answer.problem(), expected, "{key}");
    }
    assert!(gateway.mesh.take_calls().is_empty());
    let list = gateway.signed_in(BUYER, Method::GET, "/cart-items");
    assert_eq!(send(list.header(KEY, "a b")).await.status, 200);
    let everywhere = gateway.signed_in(BUYER, Method::POST, "/auth/sign-out-all");
    assert_eq!(send(everywhere.header(KEY, "k")).await.status, 200);
    assert_eq!(gateway.last_key(), None);
    let named_nothing = gateway.signed_in(BUYER, Method::POST, "/cart-items");
    send(named_nothing.json(&json!({"productId": PRODUCT, "quantity": 1}))).await;
    assert_eq!(gateway.last_key(), None);
}

#[tokio::test]
async fn a_body_that_is_not_valid_is_refused_as_without_a_name() {
    let gateway = Gateway::start().await;
    for (body, expected) in [
        ("{", (400, "malformed_body")),
        ("{}", (422, "validation_failed")),
    ] {
        let answer = gateway.add(BUYER, "k", body).await;
        assert_eq!(answer.problem(), (expected.0, expected.1.to_owned()));
    }
    let huge = " ".repeat(2 * 1024 * 1024);
    let answer = gateway.add(BUYER, "k", &huge).await;
    assert_eq!(answer.problem(), (413, "body_too_large".to_owned()));
}

#[tokio::test]
async fn the_document_says_who_takes_part() {
    let gateway = Gateway::start().await;
    let url = format!("{}/api-gateway/documentation-json", gateway.base);
    let document = send(gateway.client.get(url)).await.json();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let route = format!("{} {path}", method.to_uppercase());
            let writes = ["post", "patch"].contains(&method.as_str());
            let is_apart = APART.iter().any(|apart| path.contains(apart));
            let expected = OF_AUTH.contains(&route.as_str()) || (writes && !is_apart);
            assert_eq!(takes_key(operation), expected, "{route}");
            if expected {
                assert_is_described(&route, &operation["responses"]);
            }
        }
    }
}

fn takes_key(operation: &Value) -> bool {
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.any(|each| each["name"] == "Idempotency-Key")
}

fn assert_is_described(route: &str, responses: &Value) {
    for (status, code) in [
        ("400", "bad_idempotency_key"),
        ("409", "idempotency_in_flight"),
        ("422", "idempotency_key_reused"),
    ] {
        let description = responses[status]["description"].as_str().unwrap();
        assert!(description.contains(code), "{route}: {description}");
    }
    let mut answers = responses.as_object().unwrap().iter();
    let answer = answers.find(|(status, _)| status.starts_with('2'));
    let headers = &answer.unwrap().1["headers"];
    assert!(headers["Idempotency-Replayed"].is_object(), "{route}");
}
