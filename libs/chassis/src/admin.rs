//! The admin listener of a process: liveness, readiness for each dependency, metrics. Never public.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::future::join_all;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::server::ServeError;
use crate::telemetry;

const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Something without which a process cannot do its work.
#[async_trait]
pub trait Dependency: Send + Sync {
    /// A short name, e.g. `mongodb`.
    fn name(&self) -> &'static str;

    /// Asks the dependency; the error is one sentence for an operator.
    async fn check(&self) -> Result<(), String>;
}

/// Whether a process can do its work now.
#[derive(Clone)]
pub struct Readiness {
    dependencies: Arc<[Arc<dyn Dependency>]>,
    stopping: CancellationToken,
}

/// What one dependency answered.
#[derive(Clone, Debug, Serialize)]
pub struct DependencyReport {
    /// Its name.
    pub name: &'static str,
    /// Whether it answered.
    pub ready: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl Readiness {
    /// Ready while all `dependencies` answer and `stopping` is not cancelled.
    #[must_use]
    pub fn new(dependencies: Vec<Arc<dyn Dependency>>, stopping: CancellationToken) -> Self {
        Self {
            dependencies: dependencies.into(),
            stopping,
        }
    }

    /// Asks every dependency, concurrently and within a time limit.
    pub async fn report(&self) -> Vec<DependencyReport> {
        join_all(
            self.dependencies
                .iter()
                .map(|dependency| probe(&**dependency)),
        )
        .await
    }

    /// Whether all dependencies answer and the process is not stopping.
    pub async fn is_ready(&self) -> bool {
        !self.stopping.is_cancelled() && self.report().await.iter().all(|report| report.ready)
    }
}

async fn probe(dependency: &dyn Dependency) -> DependencyReport {
    let problem = match tokio::time::timeout(CHECK_TIMEOUT, dependency.check()).await {
        Ok(Ok(())) => None,
        Ok(Err(problem)) => Some(problem),
        Err(_) => Some("no answer in time".to_owned()),
    };
    DependencyReport {
        name: dependency.name(),
        ready: problem.is_none(),
        problem,
    }
}

/// Serves `/health/live`, `/health/ready` and `/metrics` until `shutdown`.
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
        .route("/metrics", get(|| async { telemetry::render_metrics() }))
        .with_state(readiness);
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown.cancelled_owned())
        .await?;
    Ok(())
}

async fn show_readiness(State(readiness): State<Readiness>) -> Response {
    let report = readiness.report().await;
    let ready = !readiness.stopping.is_cancelled() && report.iter().all(|each| each.ready);
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
