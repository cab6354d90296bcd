//! `/v1/checkout/sessions`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::Value;

use super::app::Sim;
use super::create_session::read_session;
use super::errors::ApiError;
use super::gate::ApiCall;
use super::objects::{self, Expand};
use super::params::Params;
use super::service::{self, Refusal};
use super::session::Session;

const EXPANDABLE: [&str; 3] = [
    "line_items",
    "payment_intent",
    "payment_intent.latest_charge",
];

/// `POST /v1/checkout/sessions`
pub(crate) async fn create_session(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<ApiCall>,
) -> Result<Json<Value>, ApiError> {
    let params = call.params();
    let expand = Expand::read(&params, &EXPANDABLE)?;
    let session = read_session(&params, sim.minimum_session_life, service::now())?;
    let object = objects::checkout_session(&session, &sim.base_url, &expand);
    sim.open_session(session);
    Ok(Json(object))
}

/// `GET /v1/checkout/sessions/{id}`
pub(crate) async fn retrieve_session(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<ApiCall>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let params = call.params();
    params.only(&["expand"])?;
    let expand = Expand::read(&params, &EXPANDABLE)?;
    let session = sim.session(&id).ok_or_else(|| no_such_session(&id))?;
    Ok(Json(objects::checkout_session(
        &session,
        &sim.base_url,
        &expand,
    )))
}

/// `POST /v1/checkout/sessions/{id}/expire`
pub(crate) async fn expire_session(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<ApiCall>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let params = call.params();
    params.only(&["expand"])?;
    let expand = Expand::read(&params, &EXPANDABLE)?;
    let session = sim
        .expire(&id, &call.cause())
        .map_err(|refusal| match refusal {
            Refusal::NoSuchSession => no_such_session(&id),
            Refusal::WrongState(session) => cannot_expire(&session).executed(),
        })?;
    Ok(Json(objects::checkout_session(
        &session,
        &sim.base_url,
        &expand,
    )))
}

/// `GET /v1/checkout/sessions`
pub(crate) async fn list_sessions(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<ApiCall>,
) -> Result<Json<Value>, ApiError> {
    let params = call.params();
    params.only(&["limit", "payment_intent", "starting_after", "status"])?;
    let limit = read_limit(&params)?;
    let after = params.text("starting_after")?;
    let status = params.text("status")?;
    let intent = params.text("payment_intent")?;
    let found: Vec<Session> = sim
        .state
        .read(|tables| {
            let sessions = tables.sessions.newest_first(after)?;
            let matching = sessions
                .filter(|session| status.is_none_or(|status| session.status.as_str() == status))
                .filter(|session| {
                    let own = session
                        .payment
                        .as_ref()
                        .map(|payment| payment.intent.as_str());
                    intent.is_none() || own == intent
                });
            Some(matching.take(limit + 1).cloned().collect())
        })
        .ok_or_else(|| {
            ApiError::no_such(
                "checkout.session",
                after.unwrap_or_default(),
                "starting_after",
            )
        })?;
    let expand = Expand::default();
    let data: Vec<Value> = found
        .iter()
        .take(limit)
        .map(|session| objects::checkout_session(session, &sim.base_url, &expand))
        .collect();
    Ok(Json(objects::list(
        "/v1/checkout/sessions",
        &data,
        found.len() > limit,
    )))
}

/// 1 to 100, 10 when absent.
pub(crate) fn read_limit(params: &Params<'_>) -> Result<usize, ApiError> {
    let limit = params.integer("limit", 1)?.unwrap_or(10);
    usize::try_from(limit)
        .ok()
        .filter(|limit| *limit <= 100)
        .ok_or_else(|| params.wrong("limit", "This value must be less than or equal to 100."))
}

/// Stripe's words for a session that is not open.
pub(crate) fn cannot_expire(session: &Session) -> ApiError {
    ApiError::invalid(format!(
        "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session \
         has a status of `{}`.",
        session.status.as_str()
    ))
}

pub(crate) fn no_such_session(id: &str) -> ApiError {
    ApiError::no_such("checkout.session", id, "session")
}
