use std::time::Duration;

use axum::http::{HeaderName, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::context::REQUEST_ID;
use super::limit;
use crate::origins::Origins;

const PREFLIGHT_LIFETIME: Duration = Duration::from_secs(600);

/// Lets the pages of the storefronts call, with cookies, and read the headers they need.
pub(crate) fn cors(origins: &Origins) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.header_values()))
        .allow_credentials(true)
        .allow_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PATCH,
            Method::DELETE,
        ])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            HeaderName::from_static("idempotency-key"),
            REQUEST_ID,
        ])
        .expose_headers([
            REQUEST_ID,
            header::ETAG,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            limit::LIMIT,
            limit::REMAINING,
            limit::RESET,
            crate::paging::TOTAL_COUNT,
        ])
        .max_age(PREFLIGHT_LIFETIME)
}
