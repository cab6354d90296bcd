//! The admin listener of a process: liveness, readiness for each dependency, metrics. Never public.

mod peer;
mod readiness;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::metrics;
use crate::server::ServeError;
use crate::telemetry;

pub use peer::Peer;
pub use readiness::{Dependency, DependencyReport, Readiness, Wanted};

/// Serves beside `work` and until its very end, so that whoever looks sees how a process stops.
///
/// # Errors
/// When the listener fails, or the work.
pub async fn beside<E: From<ServeError>>(
    listener: TcpListener,
    readiness: Readiness,
    work: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    let ended = CancellationToken::new();
    let working = async {
        work.await?;
        ended.cancel();
        Ok(())
    };
    let serving = async {
        let served = serve(listener, readiness.clone(), ended.clone()).await;
        served.map_err(E::from)
    };
    let watching = async {
        let _ended = ended.run_until_cancelled(readiness.watch()).await;
        Ok(())
    };
    tokio::try_join!(working, serving, watching)?;
    Ok(())
}

/// Serves `/health/live`, `/health/ready`, `/metrics` and `/log` until `shutdown`.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let router = Router::new()
        .route(
            "/health/live",
            get(|| async { Json(serde_json::json!({"status": "live"})) }),
        )
        .route("/health/ready", get(show_readiness))
        .route("/metrics", get(|| async { metrics::render() }))
        .with_state(readiness)
        .merge(telemetry::routes());
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await?;
    Ok(())
}

async fn show_readiness(State(readiness): State<Readiness>) -> Response {
    let report = readiness.report().await;
    let ready = readiness.follows_from(&report);
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let word = if ready { "ready" } else { "not ready" };
    (
        status,
        Json(serde_json::json!({"status": word, "dependencies": report})),
    )
        .into_response()
}
