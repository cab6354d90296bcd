//! What happens to every request, from the outside in: its id, its trace and the problem document, what is
//! measured of it, its version, panics, other origins, headers for browsers, the size of its head, whether there is room for
//! it, compression of the answer, its deadline, the length of its body. [`keep_manners`] is around the router
//! itself, where addresses are still what the client wrote.
//!
//! Rate limits are counted in [`apply_rules`], where the operation and the user are known; [`carry_key`]
//! is next, so that a request's name is its user's.

mod coding;
mod compress;
mod context;
mod cors;
mod deadline;
mod head;
mod idempotency;
mod limit;
mod manners;
mod measure;
mod panics;
mod rules;
mod security;
mod shed;
mod trace;

pub(crate) use deadline::WaitsForBody;
pub(crate) use idempotency::carry_key;
pub(crate) use manners::keep_manners;
pub(crate) use rules::apply_rules;
pub(crate) use security::allow_documentation_page;

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::middleware::{from_fn, from_fn_with_state, map_response_with_state};
use axum::{Extension, Router};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::extract::BodyLimit;
use crate::origins::Origins;
use crate::version;
use measure::MeasureLayer;
use shed::InFlight;

/// The other end of the connection over which a request came.
#[derive(Clone, Copy)]
pub(crate) struct PeerAddress(pub(crate) IpAddr);

/// What the layers need to know.
pub(crate) struct Limits {
    pub(crate) request_timeout: Duration,
    pub(crate) body_limit: usize,
    /// How many requests are worked on at once.
    pub(crate) in_flight: NonZeroU32,
    /// Whether browsers must come over TLS.
    pub(crate) tls_only: bool,
}

/// Puts the layers around every route.
pub(crate) fn wrap(router: Router, limits: &Limits, origins: &Origins) -> Router {
    let in_flight = InFlight::at_most(limits.in_flight);
    router.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(
                limits.request_timeout,
                context::carry_context,
            ))
            .layer(MeasureLayer::new())
            .layer(from_fn(version::keep))
            .layer(CatchPanicLayer::custom(panics::answer))
            .layer(from_fn_with_state(cors::cors(origins), cors::keep_origins))
            .layer(map_response_with_state(
                limits.tls_only,
                security::add_headers,
            ))
            .layer(from_fn(head::bound_head))
            .layer(from_fn_with_state(Arc::new(in_flight), shed::shed))
            .layer(from_fn(compress::compress))
            .layer(from_fn(deadline::keep_deadline))
            .layer(Extension(BodyLimit(limits.body_limit))),
    )
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::routing::get;
    use serde_json::Value;
    use tower::ServiceExt as _;

    use super::{Limits, wrap};
    use crate::origins::Origins;

    async fn ask(path: &str) -> (u16, Value) {
        let router = Router::new()
            .route("/panic", get(async || panic!("of this test") as ()))
            .route("/hang", get(std::future::pending::<()>));
        let limits = Limits {
            request_timeout: Duration::from_millis(20),
            body_limit: 10,
            in_flight: NonZeroU32::MIN,
            tls_only: false,
        };
        let router = wrap(router, &limits, &Origins::default());
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 10_000).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_without_details() {
        let (status, problem) = ask("/panic").await;
        assert_eq!((status, &problem["code"]), (500, &"internal".into()));
        assert!(!problem.to_string().contains("of this test"));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_a_problem() {
        let (status, problem) = ask("/hang").await;
        assert_eq!(
            (status, &problem["code"]),
            (504, &"deadline_exceeded".into())
        );
    }
}
