//! Clerk's Backend API as far as it is used, what a test steers it by, and the sign-in page.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::app::Sim;
use super::{User, page};

pub(super) fn all(sim: Arc<Sim>) -> Router {
    let api = Router::new()
        .route("/v1/jwks", get(list_keys))
        .route("/v1/users/{id}", get(show_user))
        .layer(from_fn_with_state(Arc::clone(&sim), gate));
    Router::new()
        .merge(api)
        .route("/.well-known/jwks.json", get(list_keys))
        .route("/sim/users", post(sign_up))
        .route("/sim/users/{id}", axum::routing::delete(forget))
        .route("/sim/users/{id}/tokens", post(sign_in))
        .route("/sim/keys/rotate", post(rotate_keys))
        .route("/sign-in", get(page::show).post(page::submit))
        .route("/health/ready", get(ready))
        .with_state(sim)
}

/// Who asks presents the secret key; nobody is answered while it is away.
async fn gate(State(sim): State<Arc<Sim>>, request: Request, next: Next) -> Response {
    if sim.is_away.load(Ordering::Relaxed) {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return refusal(status, "service_unavailable", "Try again later.");
    }
    let presented = request.headers().get(header::AUTHORIZATION);
    let presented = presented.and_then(|value| value.to_str().ok());
    let key = presented.and_then(|value| value.strip_prefix("Bearer "));
    if key == Some(sim.secret_key.expose_secret()) {
        return next.run(request).await;
    }
    let why = "The provided Clerk Secret Key is invalid.";
    refusal(StatusCode::UNAUTHORIZED, "clerk_key_invalid", why)
}

/// As Clerk words it (<https://clerk.com/docs/guides/development/errors/backend-api>).
fn refusal(status: StatusCode, code: &str, message: &str) -> Response {
    let error = json!({"message": message, "long_message": message, "code": code});
    (status, Json(json!({"errors": [error]}))).into_response()
}

fn unknown_user() -> Response {
    refusal(StatusCode::NOT_FOUND, "resource_not_found", "not found")
}

async fn list_keys(State(sim): State<Arc<Sim>>) -> Json<Value> {
    Json(sim.signer.published())
}

async fn show_user(State(sim): State<Arc<Sim>>, Path(id): Path<String>) -> Response {
    match sim.user(&id) {
        Some(user) => Json(user.to_json()).into_response(),
        None => unknown_user(),
    }
}

/// Somebody who signs up at Clerk.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewUser {
    #[serde(default)]
    first_name: String,
    #[serde(default)]
    last_name: String,
    email: String,
    is_email_verified: Option<bool>,
}

async fn sign_up(State(sim): State<Arc<Sim>>, Json(new): Json<NewUser>) -> Json<Value> {
    let mut user = User::new(&new.first_name, &new.last_name, &new.email);
    user.is_email_verified = new.is_email_verified.unwrap_or(true);
    sim.keep(&user);
    Json(user.to_json())
}

async fn forget(State(sim): State<Arc<Sim>>, Path(id): Path<String>) -> Response {
    if sim.forget(&id) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        unknown_user()
    }
}

async fn sign_in(State(sim): State<Arc<Sim>>, Path(id): Path<String>) -> Response {
    if sim.user(&id).is_none() {
        return unknown_user();
    }
    match sim.token(&id, None) {
        Ok(token) => Json(json!({"jwt": token})).into_response(),
        Err(error) => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            refusal(status, "internal_error", &error.to_string())
        }
    }
}

async fn rotate_keys(State(sim): State<Arc<Sim>>) -> StatusCode {
    sim.signer.rotate();
    StatusCode::NO_CONTENT
}

/// It is, as soon as it listens.
async fn ready() -> Json<Value> {
    Json(json!({"status": "ready"}))
}
