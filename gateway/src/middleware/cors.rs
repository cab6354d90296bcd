use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::Response;
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::context::REQUEST_ID;
use super::limit;
use super::manners::asks_for_methods;
use crate::idempotency;
use crate::origins::Origins;
use crate::rules::{DEPRECATION, SUNSET};
use crate::version::VERSION;

const PREFLIGHT_LIFETIME: Duration = Duration::from_secs(600);

/// Tells browsers whose pages may call. Who asks which methods an address takes is answered by the router.
pub(crate) async fn keep_origins(
    State(cors): State<CorsLayer>,
    request: Request,
    next: Next,
) -> Response {
    if asks_for_methods(&request) {
        return next.run(request).await;
    }
    match cors.layer(next).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

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
            idempotency::KEY,
            REQUEST_ID,
            VERSION,
        ])
        .expose_headers([
            REQUEST_ID,
            VERSION,
            DEPRECATION,
            SUNSET,
            header::ETAG,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
            limit::LIMIT,
            limit::REMAINING,
            limit::RESET,
            idempotency::REPLAYED,
            crate::paging::TOTAL_COUNT,
        ])
        .max_age(PREFLIGHT_LIFETIME)
}
