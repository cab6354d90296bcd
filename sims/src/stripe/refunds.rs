//! `/v1/refunds`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::Value;

use super::app::Sim;
use super::errors::ApiError;
use super::gate::ApiCall;
use super::objects;
use super::params::Params;
use super::refund::{Refund, RefundRequest};
use super::sessions::read_limit;

const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

/// `POST /v1/refunds`
pub(crate) async fn create_refund(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<ApiCall>,
) -> Result<Json<Value>, ApiError> {
    let request = read_refund(&call.params())?;
    let refund = sim.refund(request, &call.cause())?;
    Ok(Json(objects::refund(&refund)))
}

/// `GET /v1/refunds/{id}`
pub(crate) async fn retrieve_refund(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<ApiCall>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    call.params().only(&[])?;
    sim.state
        .read(|tables| tables.refunds.get(&id).map(objects::refund))
        .map(Json)
        .ok_or_else(|| ApiError::no_such("refund", &id, "refund"))
}

/// `GET /v1/refunds`
pub(crate) async fn list_refunds(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<ApiCall>,
) -> Result<Json<Value>, ApiError> {
    let params = call.params();
    params.only(&["limit", "payment_intent", "starting_after"])?;
    let limit = read_limit(&params)?;
    let after = params.text("starting_after")?;
    let intent = params.text("payment_intent")?;
    let found: Vec<Refund> = sim
        .state
        .read(|tables| {
            let refunds = tables.refunds.newest_first(after)?;
            let matching = refunds.filter(|refund| intent.is_none_or(|id| refund.intent == id));
            Some(matching.take(limit + 1).cloned().collect())
        })
        .ok_or_else(|| ApiError::no_such("refund", after.unwrap_or_default(), "starting_after"))?;
    let data: Vec<Value> = found.iter().take(limit).map(objects::refund).collect();
    Ok(Json(objects::list(
        "/v1/refunds",
        &data,
        found.len() > limit,
    )))
}

fn read_refund(params: &Params<'_>) -> Result<RefundRequest, ApiError> {
    params.only(&["amount", "metadata", "payment_intent", "reason"])?;
    let reason = params.text("reason")?;
    if reason.is_some_and(|reason| !REASONS.contains(&reason)) {
        return Err(params.wrong(
            "reason",
            "Invalid reason: must be one of duplicate, fraudulent, or requested_by_customer",
        ));
    }
    let intent = params.text("payment_intent")?.ok_or_else(|| {
        ApiError::invalid(
            "One of the following params should be provided for this request: payment_intent or \
             charge.",
        )
    })?;
    Ok(RefundRequest {
        intent: intent.to_owned(),
        amount: params.integer("amount", 1)?,
        reason: reason.map(str::to_owned),
        metadata: params.metadata("metadata")?,
    })
}
