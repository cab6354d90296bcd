//! The sign-in page: a name and an address, and a session token for them. One template that loads
//! nothing from elsewhere; askama escapes every value.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::response::{Html, IntoResponse as _, Response};
use serde::Deserialize;

use super::User;
use super::app::Sim;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

#[derive(Template, Default)]
#[template(path = "sign-in.html")]
struct Page {
    name: String,
    email: String,
    /// Empty before somebody has signed in.
    token: String,
    user: String,
}

/// Whoever says who they are is believed: this is a stand-in.
#[derive(Deserialize)]
pub(super) struct Visitor {
    #[serde(default)]
    name: String,
    email: String,
}

pub(super) async fn show() -> Response {
    answer(&Page::default())
}

pub(super) async fn submit(State(sim): State<Arc<Sim>>, Form(visitor): Form<Visitor>) -> Response {
    let email = visitor.email.trim().to_lowercase();
    let user = sim.user_by_email(&email).unwrap_or_else(|| {
        let name = visitor.name.trim();
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        let user = User::new(first, last, &email);
        sim.keep(&user);
        user
    });
    let Ok(token) = sim.token(&user.id, None) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    answer(&Page {
        name: visitor.name,
        email,
        token,
        user: user.id,
    })
}

fn answer(page: &Page) -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-store"),
    ];
    match page.render() {
        Ok(html) => (headers, Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
