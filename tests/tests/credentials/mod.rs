//! What else than a fresh access token somebody may present: API keys, and a token of yesterday.

use bson::{DateTime, Document, doc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reen_tests::{Answer, Client, Mesh};
use reqwest::Method;
use serde_json::{Value, json};

use crate::routes::{BUYER_ALONE, SIGNED_IN, row};
use crate::{Row, World};

const SCOPES: [&str; 7] = [
    "products:write",
    "orders:read",
    "orders:write",
    "cart:read",
    "cart:write",
    "checkout:write",
    "account:read",
];

/// What opens to API keys, and for which scope. Everything else that asks for credentials is closed to them.
const OPEN_TO_KEYS: [(&str, &str); 21] = [
    ("POST /api/v1/products", "products:write"),
    ("PATCH /api/v1/products", "products:write"),
    ("DELETE /api/v1/products", "products:write"),
    ("PATCH /api/v1/products/{id}", "products:write"),
    ("DELETE /api/v1/products/{id}", "products:write"),
    ("GET /api/v1/orders", "orders:read"),
    ("GET /api/v1/orders/{id}", "orders:read"),
    ("GET /api/v1/orders/sales", "orders:read"),
    ("PATCH /api/v1/orders/{id}/status", "orders:write"),
    ("POST /api/v1/orders/{id}/refunds", "orders:write"),
    ("GET /api/v1/cart-items", "cart:read"),
    ("GET /api/v1/cart-items/{id}", "cart:read"),
    ("POST /api/v1/cart-items", "cart:write"),
    ("PATCH /api/v1/cart-items/{id}", "cart:write"),
    ("DELETE /api/v1/cart-items/{id}", "cart:write"),
    ("DELETE /api/v1/cart-items", "cart:write"),
    ("POST /api/v1/checkout", "checkout:write"),
    ("GET /api/v1/checkout/{id}", "checkout:write"),
    ("POST /api/v1/checkout/{id}/cancel", "checkout:write"),
    ("GET /api/v1/auth/users/me", "account:read"),
    ("GET /api/v1/auth/users/{id}", "account:read"),
];

/// Takes its credentials from the cookie alone.
const OF_THE_COOKIE: &str = "POST /api/v1/auth/refresh-token";

/// The scope for which a route opens to API keys, if it does.
fn scope_of(route: &str) -> Option<&'static str> {
    let mut open = OPEN_TO_KEYS.iter();
    open.find(|(known, _)| *known == route)
        .map(|(_, scope)| *scope)
}

/// Programs that act for one user.
struct Programs {
    /// With a key of every scope.
    with_all: Client,
    /// Each with a key of every scope but one.
    with_all_but: Vec<(&'static str, Client)>,
}

impl Programs {
    async fn of(user: &Client) -> Self {
        let mut with_all_but = Vec::new();
        for missing in SCOPES {
            let others: Vec<&str> = SCOPES.into_iter().filter(|it| *it != missing).collect();
            with_all_but.push((missing, program(user, &others).await));
        }
        Self {
            with_all: program(user, &SCOPES).await,
            with_all_but,
        }
    }

    /// The one that may do everything but this.
    fn without(&self, scope: &str) -> &Client {
        let mut programs = self.with_all_but.iter();
        let found = programs.find(|(missing, _)| *missing == scope);
        found.map(|(_, program)| program).unwrap()
    }
}

async fn program(user: &Client, scopes: &[&str]) -> Client {
    let asked = json!({"name": "Till", "scopes": scopes});
    let made = user.post("/auth/api-keys", asked).await.ok();
    user.clone().with_token(made["key"].as_str().unwrap())
}

/// A token that auth signed for the user, which has expired since.
async fn expired_token(mesh: &Mesh, user_id: &str) -> String {
    let keys = mesh.database("AUTH").await;
    let keys = keys.collection::<Document>("signing_keys");
    let now = DateTime::now();
    let signing = doc! {"signsFrom": {"$lte": now}};
    let key = keys.find_one(signing).await.unwrap().unwrap();
    let header = Header {
        kid: Some(key.get_str("_id").unwrap().to_owned()),
        ..Header::new(Algorithm::EdDSA)
    };
    let expired_at = now.timestamp_millis() / 1_000 - 60;
    let claims = json!({
        "iss": "reen-auth", "aud": "reen", "sub": user_id, "exp": expired_at,
    });
    let key = EncodingKey::from_ed_der(key.get_binary_generic("pkcs8").unwrap());
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

pub(crate) fn rows(world: &World) -> Vec<Row> {
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let factor = "/api/v1/auth/second-factor";
    let (confirm, renew) = (
        "/api/v1/auth/second-factor/confirm",
        "/api/v1/auth/second-factor/recovery-codes",
    );
    let (keys, key) = ("/api/v1/auth/api-keys", "/api/v1/auth/api-keys/{id}");
    vec![
        row(post.clone(), factor, "", json!({}), SIGNED_IN),
        row(delete.clone(), factor, "", json!({}), SIGNED_IN),
        row(post.clone(), confirm, "", json!({}), SIGNED_IN),
        row(post.clone(), renew, "", json!({}), SIGNED_IN),
        row(post, keys, "", json!({}), SIGNED_IN),
        row(get, keys, "", Value::Null, SIGNED_IN),
        row(delete, key, &world.api_key, Value::Null, BUYER_ALONE),
    ]
}

/// Whether a key or token was taken as one that may do this, whatever came of it.
fn is_let_in(answer: &Answer) -> bool {
    answer.status != 401 && answer.code() != "insufficient_scope"
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_open_what_their_scopes_are_for_and_old_tokens_nothing() {
    let world = World::start().await;
    let buyer = &world.callers[2];
    let programs = Programs::of(buyer).await;
    let token = expired_token(&world.mesh, &buyer.user_id).await;
    let expired = buyer.clone().with_token(&token);
    let mut wrong = Vec::new();
    for row in crate::routes::rows(&world) {
        let route = row.route();
        if route == OF_THE_COOKIE {
            continue;
        }
        let scope = scope_of(&route);
        let misfit = scope.map_or(&programs.with_all, |scope| programs.without(scope));
        let (refused, old) = (
            world.ask(&row, misfit).await,
            world.ask(&row, &expired).await,
        );
        let opened = world.ask(&row, &programs.with_all).await;
        if is_let_in(&opened) != (row.is_public() || scope.is_some()) {
            wrong.push(format!("{route}: a key of every scope met {opened:?}"));
        }
        if (refused.code() == "insufficient_scope") == row.is_public() {
            wrong.push(format!(
                "{route}: a key of no fitting scope met {refused:?}"
            ));
        }
        if (old.status == 401) == row.is_public() {
            wrong.push(format!("{route}: an expired token met {old:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
