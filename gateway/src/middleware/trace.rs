use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use reen_chassis::CallContext;
use tracing::Instrument as _;

use crate::error::Error;

/// Logs each request once, and each failure of ours with everything that caused it. Bodies, query
/// strings and credentials are never logged.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        route,
        id = CallContext::current().request_id.as_deref(),
    );
    let started = Instant::now();
    async move {
        let response = next.run(request).await;
        log(&response, started);
        response
    }
    .instrument(span)
    .await
}

fn log(response: &Response, started: Instant) {
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    match response.extensions().get::<Error>() {
        Some(error) if response.status().is_server_error() => {
            tracing::error!(status, ?elapsed, error = error.chain(), "failed");
        }
        Some(error) => tracing::info!(status, ?elapsed, refused = %error, "refused"),
        None => tracing::info!(status, ?elapsed, "answered"),
    }
}
