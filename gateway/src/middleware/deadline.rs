use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use reen_chassis::CallContext;
use reen_error::Code;

use crate::error::Error;

/// Answers when the deadline of the request has passed, whatever it still waits for: a peer, or the
/// rest of a body that comes too slowly.
pub(crate) async fn keep_deadline(request: Request, next: Next) -> Response {
    let Some(deadline) = CallContext::current().deadline else {
        return next.run(request).await;
    };
    tokio::time::timeout_at(deadline.into(), next.run(request))
        .await
        .unwrap_or_else(|_| Error::of(Code::DeadlineExceeded).into_response())
}
