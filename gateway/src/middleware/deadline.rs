use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use reen_chassis::CallContext;
use reen_error::Code;

use crate::error::Error;

/// Whether a request is held up by the rest of its own body: then the client is late, not we.
#[derive(Clone, Default)]
pub(crate) struct WaitsForBody(Arc<AtomicBool>);

impl WaitsForBody {
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Answers when the deadline of the request has passed, whatever it still waits for: a peer, or the
/// rest of a body that comes too slowly.
pub(crate) async fn keep_deadline(mut request: Request, next: Next) -> Response {
    let Some(deadline) = CallContext::current().deadline else {
        return next.run(request).await;
    };
    let waits_for_body = WaitsForBody::default();
    request.extensions_mut().insert(waits_for_body.clone());
    tokio::time::timeout_at(deadline.into(), next.run(request))
        .await
        .unwrap_or_else(|_| {
            let code = if waits_for_body.is_so() {
                Code::RequestTimeout
            } else {
                Code::DeadlineExceeded
            };
            Error::of(code).into_response()
        })
}
