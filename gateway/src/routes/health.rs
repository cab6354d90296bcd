use axum::Json;
use axum::extract::State;
use reen_error::Code;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Error;
use crate::gateway::Shared;
use crate::views::Done;

pub(super) fn routes() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(show_liveness))
        .routes(routes!(show_readiness))
}

/// Whether the gateway runs.
#[utoipa::path(get, path = "/health/live", tag = "service", responses(
    (status = 200, description = "It does", body = Done),
))]
async fn show_liveness() -> Json<Done> {
    Json(Done { status: "live" })
}

/// Whether the gateway takes requests: not while it stops. Which services answer is shown on the admin
/// listener only.
#[utoipa::path(get, path = "/health/ready", tag = "service", responses(
    (status = 200, description = "It does", body = Done),
))]
async fn show_readiness(State(gateway): State<Shared>) -> Result<Json<Done>, Error> {
    if gateway.readiness.is_ready().await {
        return Ok(Json(Done { status: "ready" }));
    }
    Err(Error::of(Code::Unavailable))
}
