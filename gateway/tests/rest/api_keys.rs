//! API keys through REST: made by people, used by programs, for what their scopes say.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reen_error::Code;
use reen_proto::auth::v1::{ResolveApiKeyResponse, Scope};
use reen_proto::time::from_millis;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{BUYER, Gateway, KEY_ID, OPERATOR, ORDER, send};

const KEYS: &str = "/auth/api-keys";
const TILL: &str = "reen_66f0c0ffee66f0c0ffee0e01_secret";

/// Lets auth know [`TILL`] as a key of `user`.
fn grant(gateway: &Gateway, user: &str, scopes: &[Scope], expires_in: Option<Duration>) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap();
    let resolved = ResolveApiKeyResponse {
        user_id: user.to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).into()).collect(),
        expires_at: expires_in.map(|left| from_millis(millis(now + left))),
    };
    let known = (TILL.to_owned(), resolved);
    gateway.mesh.with(|state| state.api_keys.extend([known]));
}

fn with_key(request: RequestBuilder) -> RequestBuilder {
    request.bearer_auth(TILL)
}

#[tokio::test]
async fn a_person_makes_lists_and_takes_back_keys() {
    let gateway = Gateway::start().await;
    let signed_in = |method, path: &str| gateway.signed_in(BUYER, method, path);
    let body = json!({
        "name": "Till", "scopes": ["orders:read"], "expiresAt": "2099-01-01T00:00:00.000Z",
    });
    let created = send(signed_in(Method::POST, KEYS).json(&body)).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header("cache-control"), "no-store");
    let mut shown = json!({
        "id": KEY_ID, "name": "Till", "scopes": ["orders:read"], "prefix": format!("reen_{KEY_ID}"),
        "createdAt": "2025-06-15T15:06:40.123Z", "lastUsedAt": "2025-06-15T15:06:40.123Z",
    });
    let list = send(signed_in(Method::GET, KEYS)).await.json();
    assert_eq!(list, json!([shown.clone()]));
    shown["key"] = json!(format!("reen_{KEY_ID}_secret"));
    assert_eq!(created.json(), shown);

    let one = format!("{KEYS}/{KEY_ID}");
    let revoked = send(signed_in(Method::DELETE, &one)).await;
    assert_eq!(revoked.json(), json!({"status": "revoked"}));
    let other = format!("{KEYS}/{ORDER}");
    let missing = send(signed_in(Method::DELETE, &other)).await;
    assert_eq!(missing.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn every_failing_field_of_a_new_key_is_named() {
    let gateway = Gateway::start().await;
    let failing = async |body: Value| {
        let request = gateway.signed_in(BUYER, Method::POST, KEYS);
        send(request.json(&body)).await.failing()
    };
    let failures = |list: &[(&str, &str)]| {
        let owned = |(field, code): &(&str, &str)| ((*field).to_owned(), (*code).to_owned());
        list.iter().map(owned).collect::<Vec<_>>()
    };
    let bare = failing(json!({"name": "", "scopes": []})).await;
    assert_eq!(
        bare,
        failures(&[("name", "too_short"), ("scopes", "too_few")])
    );
    let wrong = failing(json!({
        "name": "Till", "scopes": ["orders:burn"], "expiresAt": "tomorrow", "admin": true,
    }));
    let fields: Vec<String> = wrong.await.into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["admin", "expiresAt", "scopes[0]"]);
    assert_eq!(gateway.mesh.count("CreateApiKey"), 0);
}

#[tokio::test]
async fn a_program_acts_for_the_user_as_far_as_the_scopes_go() {
    let gateway = Gateway::start().await;
    grant(&gateway, BUYER, &[Scope::OrdersRead], None);
    let orders = send(with_key(gateway.get("/orders"))).await;
    assert_eq!(orders.status, 200);
    assert_eq!(gateway.mesh.user_of("ListOrders").as_deref(), Some(BUYER));
    for (method, path) in [
        (Method::GET, "/cart-items"),
        (Method::POST, "/checkout"),
        (Method::GET, "/auth/users/me"),
        (Method::GET, "/auth/users/66f0c0ffee66f0c0ffee0001"),
        (Method::POST, KEYS),
        (Method::POST, "/auth/sign-out-all"),
        (Method::GET, "/admin/sagas"),
    ] {
        let refused = send(with_key(gateway.request(method.clone(), path))).await;
        let expected = (403, "insufficient_scope".to_owned());
        assert_eq!(refused.problem(), expected, "{method} {path}");
    }
    let public = send(with_key(gateway.get("/products"))).await;
    assert_eq!(public.status, 200, "nobody asks for credentials there");
}

#[tokio::test]
async fn what_is_no_key_signs_nobody_in() {
    let gateway = Gateway::start().await;
    for none in ["reen_", "reen_x", TILL] {
        let refused = send(gateway.get("/orders").bearer_auth(none)).await;
        assert_eq!(refused.problem(), (401, "unauthenticated".to_owned()));
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
    let expired = Gateway::start().await;
    grant(&expired, BUYER, &[Scope::OrdersRead], Some(Duration::ZERO));
    let refused = send(with_key(expired.get("/orders"))).await;
    assert_eq!(refused.problem(), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn what_auth_said_of_a_key_is_believed_for_a_while() {
    let gateway = Gateway::start().await;
    grant(
        &gateway,
        BUYER,
        &[Scope::OrdersRead],
        Some(Duration::from_secs(60)),
    );
    for _again in 0..3 {
        assert_eq!(send(with_key(gateway.get("/orders"))).await.status, 200);
    }
    assert_eq!(gateway.mesh.count("ResolveApiKey"), 1);
    let other = "reen_66f0c0ffee66f0c0ffee0e02_other";
    for _again in 0..3 {
        let refused = send(gateway.get("/orders").bearer_auth(other)).await;
        assert_eq!(refused.status, 401);
    }
    assert_eq!(gateway.mesh.count("ResolveApiKey"), 2);
}

#[tokio::test]
async fn while_auth_is_away_nothing_is_said_of_a_key() {
    let gateway = Gateway::start().await;
    grant(&gateway, BUYER, &[Scope::OrdersRead], None);
    gateway.mesh.fail("ResolveApiKey", Code::Unavailable);
    let refused = send(with_key(gateway.get("/orders"))).await;
    assert_eq!(refused.problem(), (503, "unavailable".to_owned()));
    gateway.mesh.heal("ResolveApiKey");
    assert_eq!(send(with_key(gateway.get("/orders"))).await.status, 200);
}

#[tokio::test]
async fn no_program_is_an_operator() {
    let gateway = Gateway::start().await;
    grant(&gateway, OPERATOR, &[Scope::OrdersWrite], None);
    let refund = |request: RequestBuilder| send(request.json(&json!({})));
    let path = format!("/orders/{ORDER}/refunds");
    refund(gateway.signed_in(OPERATOR, Method::POST, &path)).await;
    let asked = |gateway: &Gateway| gateway.mesh.with(|state| state.last_change.clone());
    assert!(asked(&gateway).contains("as_operator: true"));
    refund(with_key(gateway.post(&path))).await;
    assert!(asked(&gateway).contains("as_operator: false"));
}
