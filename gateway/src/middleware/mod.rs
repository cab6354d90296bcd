//! What happens to every request, from the outside in: its id and the problem document, its trace,
//! panics, other origins, headers for browsers, its deadline, the length of its body.
//!
//! Rate limits are counted in [`apply_rules`], where the operation and the user are known; a response
//! cache and stored answers to repeated requests belong beside it.

mod context;
mod cors;
mod deadline;
mod limit;
mod panics;
mod rules;
mod security;
mod trace;

pub(crate) use cors::cors;
pub(crate) use deadline::WaitsForBody;
pub(crate) use rules::apply_rules;
pub(crate) use security::allow_documentation_page;

use std::net::IpAddr;
use std::time::Duration;

use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::{Extension, Router};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use crate::extract::BodyLimit;
use crate::origins::Origins;

/// The other end of the connection over which a request came.
#[derive(Clone, Copy)]
pub(crate) struct PeerAddress(pub(crate) IpAddr);

/// What the layers need to know.
pub(crate) struct Limits {
    pub(crate) request_timeout: Duration,
    pub(crate) body_limit: usize,
}

/// Puts the layers around every route.
pub(crate) fn wrap(router: Router, limits: &Limits, origins: &Origins) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(from_fn_with_state(
                limits.request_timeout,
                context::carry_context,
            ))
            .layer(from_fn(trace::trace))
            .layer(CatchPanicLayer::custom(panics::answer))
            .layer(cors(origins))
            .layer(map_response(security::add_headers))
            .layer(from_fn(deadline::keep_deadline))
            .layer(Extension(BodyLimit(limits.body_limit))),
    )
}

#[cfg(test)]
mod tests {
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
