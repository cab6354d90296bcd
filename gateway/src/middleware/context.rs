use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use reen_chassis::CallContext;
use uuid::Uuid;

use crate::error::Error;
use crate::problem;
use crate::version::asked_path;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ID_LENGTH: std::ops::RangeInclusive<usize> = 8..=64;

/// Gives the request its id and deadline, and its failure, if it comes to that, the document.
pub(crate) async fn carry_context(
    State(timeout): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    let id = sane_id(request.headers()).unwrap_or_else(|| Uuid::new_v4().to_string());
    let path = asked_path(&request).to_owned();
    let context = CallContext {
        request_id: Some(Arc::from(id.as_str())),
        deadline: Instant::now().checked_add(timeout),
        ..CallContext::default()
    };
    let mut response = context.scope(next.run(request)).await;
    if let Some(error) = response.extensions_mut().remove::<Error>() {
        response = problem::render(&error, response, &path, &id);
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The client's own id, when it can go into logs and headers as it is.
fn sane_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_sane = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (ID_LENGTH.contains(&id.len()) && id.bytes().all(is_sane)).then(|| id.to_owned())
}
