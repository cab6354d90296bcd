use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::response::Response;
use reen_chassis::telemetry::trace::{Span, SpanKind, TRACEPARENT, is_on};

use crate::error::Error;

/// What is told of a request once it is answered: in one line of the log, and in its trace. Bodies, query
/// strings and credentials never are.
pub(super) struct Seen {
    method: Method,
    route: Option<MatchedPath>,
    arrived: Instant,
    span: Span,
}

impl Seen {
    /// A request that has arrived now.
    pub(super) fn new(request: &Request) -> Self {
        let method = request.method().clone();
        let route = request.extensions().get::<MatchedPath>().cloned();
        let span = begin_trace(request, &method, name_of(route.as_ref()));
        Self {
            method,
            route,
            arrived: Instant::now(),
            span,
        }
    }

    pub(super) fn arrived(&self) -> Instant {
        self.arrived
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// It is answered. A failure of ours is logged with everything that caused it.
    pub(super) fn answered(mut self, response: &Response) {
        let status = response.status().as_u16();
        let elapsed_us = u64::try_from(self.arrived.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (method, route) = (self.method.as_str(), name_of(self.route.as_ref()));
        match response.extensions().get::<Error>() {
            Some(error) if response.status().is_server_error() => {
                let error = error.chain();
                tracing::error!(method, route, status, elapsed_us, error, "failed");
            }
            Some(error) => {
                tracing::info!(method, route, status, elapsed_us, refused = %error, "refused");
            }
            None => tracing::info!(method, route, status, elapsed_us, "answered"),
        }
        self.span
            .set("http.response.status_code", i64::from(status));
        if response.status().is_server_error() {
            self.span.fail(status.to_string());
        }
    }
}

/// Paths that lead nowhere are anything that a stranger makes up.
fn name_of(route: Option<&MatchedPath>) -> &str {
    route.map_or("none", MatchedPath::as_str)
}

/// A stranger's `traceparent` is linked to and not obeyed: whoever could set the trace of our requests could
/// have all of them recorded, and mix up whose are whose.
fn begin_trace(request: &Request, method: &Method, route: &str) -> Span {
    if !is_on() {
        return Span::default();
    }
    let stranger = request.headers().get(TRACEPARENT);
    let stranger = stranger.and_then(|place| place.to_str().ok()?.parse().ok());
    let name = || format!("{method} {route}").into();
    let mut span = Span::root(SpanKind::Server, name, stranger);
    if span.is_recorded() {
        span.set("http.request.method", method.to_string());
        span.set("http.route", route.to_owned());
    }
    span
}
