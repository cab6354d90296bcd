//! `/v1/payment_intents`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde_json::Value;

use super::app::Sim;
use super::errors::ApiError;
use super::gate::ApiCall;
use super::objects::{self, Expand};

/// `GET /v1/payment_intents/{id}`
pub(crate) async fn retrieve_payment_intent(
    State(sim): State<Arc<Sim>>,
    Extension(call): Extension<ApiCall>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let params = call.params();
    params.only(&["expand"])?;
    let expand = Expand::read(&params, &["latest_charge"])?;
    sim.state
        .read(|tables| {
            let session = tables.session_of_intent(&id)?;
            let payment = session.payment.as_ref()?;
            Some(objects::payment_intent(
                session,
                payment,
                expand.wants("latest_charge"),
            ))
        })
        .map(Json)
        .ok_or_else(|| ApiError::no_such("payment_intent", &id, "intent"))
}
