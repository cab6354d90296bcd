use axum::extract::State;
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

/// A year, as browsers that ship with a list of such hosts demand.
const TLS_ONLY: &str = "max-age=31536000";

/// Tells browsers what they must not do with an answer, and, where cookies travel over TLS only, that
/// everything else does as well. What the route set stays.
pub(crate) async fn add_headers(State(tls_only): State<bool>, mut response: Response) -> Response {
    if tls_only {
        let value = HeaderValue::from_static(TLS_ONLY);
        response
            .headers_mut()
            .insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
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
