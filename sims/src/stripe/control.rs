//! `/sim`: what scripts and tests steer and look at. Not part of Stripe.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::app::Sim;
use super::cards::{DECLINED, INVALID_NUMBER, TestCard};
use super::delivery;
use super::errors::ApiError;
use super::events::{Cause, Event};
use super::faults::Fault;
use super::objects;
use super::refund::{Refund, RefundRequest};
use super::service::{PaymentOutcome, Refusal};
use super::session::{PaymentState, Timing};
use super::sessions::no_such_session;

const MOST_RESENDS: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayBody {
    card: String,
    /// The money arrives later: see `async-succeed` and `async-fail`.
    #[serde(default, rename = "async")]
    delayed: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundBody {
    /// Minor units; absent for all that is left.
    amount: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResendQuery {
    times: Option<usize>,
    #[serde(default)]
    concurrent: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    session: Option<String>,
}

/// `POST /sim/sessions/{id}/pay`
pub(crate) async fn pay_session(
    State(sim): State<Arc<Sim>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let body: PayBody = read_json(&body)?;
    let timing = if body.delayed {
        Timing::Delayed
    } else {
        Timing::AtOnce
    };
    let card = TestCard::read(&body.card)
        .ok_or_else(|| ApiError::card("invalid_number", INVALID_NUMBER).param("number"))?;
    let outcome = sim
        .pay(&id, card, timing)
        .map_err(|refusal| refused(refusal, &id))?;
    match outcome {
        PaymentOutcome::Declined { charge } => {
            Err(ApiError::card("card_declined", DECLINED).declined_charge(&charge))
        }
        PaymentOutcome::Accepted { session, event } => Ok(Json(json!({
            "status": session.status.as_str(),
            "paymentStatus": session.payment_status(),
            "paymentIntent": session.payment.map(|payment| payment.intent),
            "eventId": event,
        }))),
    }
}

/// `POST /sim/sessions/{id}/expire`
pub(crate) async fn expire_session(
    State(sim): State<Arc<Sim>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let session = sim
        .expire(&id, &Cause::default())
        .map_err(|refusal| refused(refusal, &id))?;
    Ok(Json(json!({ "status": session.status.as_str() })))
}

/// `POST /sim/sessions/{id}/refund`: as somebody does in Stripe's dashboard.
pub(crate) async fn refund_session(
    State(sim): State<Arc<Sim>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let RefundBody { amount } = read_json(&body)?;
    if amount.is_some_and(|amount| amount < 1) {
        return Err(ApiError::invalid("amount must be at least 1").param("amount"));
    }
    let session = sim.session(&id).ok_or_else(|| no_such_session(&id))?;
    let payment = session.payment.map(|payment| payment.intent);
    let request = RefundRequest {
        intent: payment.ok_or_else(|| ApiError::conflict("nothing was paid"))?,
        amount,
        reason: Some("requested_by_customer".to_owned()),
        metadata: BTreeMap::new(),
    };
    let refund = sim.refund(request, &Cause::default())?;
    Ok(Json(objects::refund(&refund)))
}

/// `POST /sim/sessions/{id}/async-succeed`
pub(crate) async fn succeed_async_payment(
    State(sim): State<Arc<Sim>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    settle(&sim, &id, PaymentState::Succeeded)
}

/// `POST /sim/sessions/{id}/async-fail`
pub(crate) async fn fail_async_payment(
    State(sim): State<Arc<Sim>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    settle(&sim, &id, PaymentState::Failed)
}

/// `GET /sim/events`, oldest first; `?session=` narrows it.
pub(crate) async fn list_events(
    State(sim): State<Arc<Sim>>,
    query: Result<Query<EventsQuery>, QueryRejection>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let EventsQuery { session } = read_query(query)?;
    let events = sim.state.read(|tables| {
        tables
            .events
            .oldest_first()
            .filter(|event| session.as_ref().is_none_or(|id| event.session == *id))
            .map(event_summary)
            .collect()
    });
    Ok(Json(events))
}

/// `POST /sim/events/{id}/resend?times=N&concurrent=true`
pub(crate) async fn resend_event(
    State(sim): State<Arc<Sim>>,
    Path(id): Path<String>,
    query: Result<Query<ResendQuery>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let ResendQuery { times, concurrent } = read_query(query)?;
    let times = times.unwrap_or(1);
    if !(1..=MOST_RESENDS).contains(&times) {
        return Err(ApiError::invalid(format!(
            "times must be from 1 to {MOST_RESENDS}"
        )));
    }
    if !sim.courier.has_receiver() {
        return Err(ApiError::conflict("no webhook URL is set"));
    }
    let deliveries = delivery::resend(&sim, &id, times, concurrent)
        .await
        .ok_or_else(|| ApiError::no_such("event", &id, "id"))?;
    Ok(Json(json!({ "deliveries": deliveries })))
}

/// `GET /sim/refunds`, oldest first: Stripe's objects and their session.
pub(crate) async fn list_refunds(State(sim): State<Arc<Sim>>) -> Json<Vec<Value>> {
    let with_session = |refund: &Refund| {
        let mut object = objects::refund(refund);
        object["session"] = json!(refund.session);
        object
    };
    Json(
        sim.state
            .read(|tables| tables.refunds.oldest_first().map(with_session).collect()),
    )
}

/// `POST /sim/faults`
pub(crate) async fn add_fault(
    State(sim): State<Arc<Sim>>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let fault: Fault = read_json(&body)?;
    sim.faults.add(fault)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /sim/faults`: those that did not strike yet.
pub(crate) async fn clear_faults(State(sim): State<Arc<Sim>>) -> StatusCode {
    sim.faults.clear();
    StatusCode::NO_CONTENT
}

fn settle(sim: &Sim, id: &str, outcome: PaymentState) -> Result<Json<Value>, ApiError> {
    let event = sim
        .settle(id, outcome)
        .map_err(|refusal| refused(refusal, id))?;
    Ok(Json(json!({ "eventId": event })))
}

fn event_summary(event: &Event) -> Value {
    json!({
        "id": event.id,
        "type": event.kind,
        "created": event.created,
        "session": event.session,
        "attempts": event.attempts,
        "deliveries": event.deliveries,
        "delivered": event.delivered,
        "abandoned": event.abandoned,
    })
}

fn refused(refusal: Refusal, id: &str) -> ApiError {
    match refusal {
        Refusal::NoSuchSession => no_such_session(id),
        Refusal::WrongState(session) => ApiError::conflict(format!(
            "This Checkout Session has a status of `{}` and a payment status of `{}`.",
            session.status.as_str(),
            session.payment_status()
        )),
    }
}

/// JSON whatever the content type says: scripts post with plain `curl -d`.
fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|error| ApiError::invalid(format!("The body is not as expected: {error}")))
}

fn read_query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    query
        .map(|Query(query)| query)
        .map_err(|rejection| ApiError::invalid(rejection.body_text()))
}
