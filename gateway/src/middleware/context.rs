use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use reen_chassis::CallContext;
use uuid::{Builder, Uuid, fmt::Hyphenated};

use super::trace::Seen;
use crate::error::Error;
use crate::problem;
use crate::version::asked_uri;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ID_LENGTH: std::ops::RangeInclusive<usize> = 8..=64;

/// Gives the request its id, deadline and trace, and its failure, if it comes to that, the document.
pub(crate) async fn carry_context(
    State(timeout): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    let seen = Seen::new(&request);
    let id = id_of(request.headers());
    let asked = asked_uri(&request).clone();
    let context = CallContext {
        request_id: Some(Arc::clone(&id)),
        deadline: seen.arrived().checked_add(timeout),
        place: seen.span().place(),
        ..CallContext::default()
    };
    let answering = async {
        let response = next.run(request).await;
        seen.answered(&response);
        response
    };
    let mut response = context.scope(answering).await;
    if let Some(error) = response.extensions_mut().remove::<Error>() {
        response = problem::render(&error, response, asked.path(), &id);
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// The client's own id, when it can go into logs and headers as it is; else a new one.
fn id_of(headers: &HeaderMap) -> Arc<str> {
    let is_sane = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    match given {
        Some(id) if ID_LENGTH.contains(&id.len()) && id.bytes().all(is_sane) => id.into(),
        _ => {
            // Nobody is kept out by an id: it need not come from the system's own generator, which takes
            // a call each time.
            let id: Uuid = Builder::from_random_bytes(rand::random()).into_uuid();
            let mut text = [0; Hyphenated::LENGTH];
            Arc::from(&*id.hyphenated().encode_lower(&mut text))
        }
    }
}
