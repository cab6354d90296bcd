//! The hosted payment page. One template that loads nothing from elsewhere;
//! askama escapes every value.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use axum::response::{Html, IntoResponse, Redirect, Response};
use chrono::{Datelike, Utc};
use serde::Deserialize;
use url::Url;

use super::app::Sim;
use super::cards::{DECLINED, INVALID_NUMBER, TestCard};
use super::money;
use super::service::{PaymentOutcome, Refusal};
use super::session::{Session, Status, Timing};

/// No `form-action`: browsers would apply it to the redirect back to the shop.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const INVALID_EXPIRY: &str = "Your card's expiration date is invalid.";
const INVALID_CVC: &str = "Your card's security code is invalid.";

/// What the buyer typed.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct CardForm {
    #[serde(default)]
    card: String,
    #[serde(default)]
    expiry: String,
    #[serde(default)]
    cvc: String,
}

/// `GET /c/pay/{id}`
pub(crate) async fn show_page(State(sim): State<Arc<Sim>>, Path(id): Path<String>) -> Response {
    match sim.session(&id) {
        None => missing_page(),
        Some(session) => session_page(&session, StatusCode::OK, None),
    }
}

/// `POST /c/pay/{id}`
pub(crate) async fn submit_page(
    State(sim): State<Arc<Sim>>,
    Path(id): Path<String>,
    form: Result<Form<CardForm>, FormRejection>,
) -> Response {
    let Some(session) = sim.session(&id) else {
        return missing_page();
    };
    let form = form.map(|Form(form)| form).unwrap_or_default();
    let card = match checked_card(&form) {
        Ok(card) => card,
        Err(message) if session.status == Status::Open => {
            return session_page(&session, StatusCode::BAD_REQUEST, Some(message));
        }
        Err(_) => return session_page(&session, StatusCode::CONFLICT, None),
    };
    match sim.pay(&id, card, Timing::AtOnce) {
        Ok(PaymentOutcome::Accepted { session, .. }) => {
            Redirect::to(&success_url(&session)).into_response()
        }
        Ok(PaymentOutcome::Declined { .. }) => {
            session_page(&session, StatusCode::PAYMENT_REQUIRED, Some(DECLINED))
        }
        Err(Refusal::WrongState(session)) => session_page(&session, StatusCode::CONFLICT, None),
        Err(Refusal::NoSuchSession) => missing_page(),
    }
}

#[derive(Template)]
#[template(path = "pay.html")]
struct Page<'session> {
    view: View,
    lines: Vec<LineView<'session>>,
    total: String,
    error: Option<&'static str>,
    success_url: String,
    cancel_url: Option<&'session str>,
}

enum View {
    Form,
    Paid,
    Expired,
    Missing,
}

struct LineView<'session> {
    name: &'session str,
    description: Option<&'session str>,
    quantity: i64,
    total: String,
}

fn session_page(session: &Session, status: StatusCode, error: Option<&'static str>) -> Response {
    let view = match session.status {
        Status::Open => View::Form,
        Status::Complete => View::Paid,
        Status::Expired => View::Expired,
    };
    let lines = session
        .lines
        .iter()
        .map(|line| LineView {
            name: &line.name,
            description: line.description.as_deref(),
            quantity: line.quantity,
            total: money::display(line.total, &session.currency),
        })
        .collect();
    let page = Page {
        view,
        lines,
        total: money::display(session.total, &session.currency),
        error,
        success_url: success_url(session),
        cancel_url: session.cancel_url.as_deref(),
    };
    rendered(status, &page)
}

fn missing_page() -> Response {
    let page = Page {
        view: View::Missing,
        lines: Vec::new(),
        total: String::new(),
        error: None,
        success_url: String::new(),
        cancel_url: None,
    };
    rendered(StatusCode::NOT_FOUND, &page)
}

fn rendered(status: StatusCode, page: &Page<'_>) -> Response {
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    match page.render() {
        Ok(html) => (status, headers, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the payment page was not rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Stripe puts the session's id where the shop asks for it. In normal form:
/// a header takes only ASCII, and a shop may have written more.
fn success_url(session: &Session) -> String {
    let url = session
        .success_url
        .replace("{CHECKOUT_SESSION_ID}", &session.id);
    Url::parse(&url).map_or(url, String::from)
}

fn checked_card(form: &CardForm) -> Result<TestCard, &'static str> {
    let card = TestCard::read(&form.card).ok_or(INVALID_NUMBER)?;
    let today = Utc::now();
    if !is_in_future(&form.expiry, today.year(), today.month()) {
        return Err(INVALID_EXPIRY);
    }
    let is_cvc = matches!(form.cvc.trim().len(), 3 | 4)
        && form.cvc.trim().bytes().all(|byte| byte.is_ascii_digit());
    if !is_cvc {
        return Err(INVALID_CVC);
    }
    Ok(card)
}

/// `MM/YY` or `MM / YYYY`, not before this month.
fn is_in_future(expiry: &str, this_year: i32, this_month: u32) -> bool {
    let Some((month, year)) = expiry.split_once('/') else {
        return false;
    };
    let (Ok(month), Ok(year)) = (month.trim().parse::<u32>(), year.trim().parse::<u16>()) else {
        return false;
    };
    let year = i32::from(if year < 100 { 2_000 + year } else { year });
    (1..=12).contains(&month) && (year, month) >= (this_year, this_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_dates_are_read_as_typed() {
        for accepted in ["12/30", "12 / 2030", "06/26"] {
            assert!(is_in_future(accepted, 2026, 6), "{accepted}");
        }
        for refused in ["05/26", "13/30", "0/30", "1230", "", "a/b", "12/25"] {
            assert!(!is_in_future(refused, 2026, 6), "{refused}");
        }
    }
}
