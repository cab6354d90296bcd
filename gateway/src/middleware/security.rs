use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use reen_error::Code;

use crate::error::Error;

const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    // Most answers are one user's own; a route that knows better says so.
    (header::CACHE_CONTROL, "no-store"),
];

/// Swagger UI brings its own scripts and writes its own styles.
const PAGE_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; frame-ancestors 'none'";

/// Tells browsers what they must not do with an answer. What the route set stays.
pub(crate) async fn add_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        let entry = response.headers_mut().entry(name);
        entry.or_insert(HeaderValue::from_static(value));
    }
    response
}

/// For the documentation page alone. Where it has nothing, nothing is.
pub(crate) async fn allow_documentation_page(mut response: Response) -> Response {
    if response.status() == StatusCode::NOT_FOUND {
        return Error::of(Code::RouteNotFound).into_response();
    }
    let policy = HeaderValue::from_static(PAGE_POLICY);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}
