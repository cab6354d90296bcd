use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use reen_error::Code;

use super::route::Choice;
use super::{Asked, Version};
use crate::error::Error;

/// Names the version that a client wants, and the one that it got.
pub(crate) const VERSION: HeaderName = HeaderName::from_static("reen-version");

/// Answers in the version in which the request asks, and says which it was.
pub(crate) async fn keep(request: Request, next: Next) -> Response {
    let choice = request.extensions().get::<Choice>().copied();
    let Choice(asked) = choice.unwrap_or(Choice(Some(Asked::of(Version::First))));
    let Some(asked) = asked else {
        return Error::of(Code::UnknownVersion).into_response();
    };
    let mut response = asked.scope(next.run(request)).await;
    let headers = response.headers_mut();
    headers.insert(VERSION, HeaderValue::from_static(asked.version.number()));
    if asked != Asked::of(asked.version) {
        // The same path answers otherwise to another header: who keeps answers must know.
        headers.append(header::VARY, HeaderValue::from_name(VERSION));
    }
    response
}
