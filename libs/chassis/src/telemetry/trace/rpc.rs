//! Calls between our processes, as traces show them: at both ends.

use std::borrow::Cow;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, Either};
use http::{HeaderValue, Request, Response};
use tonic::Code;
use tonic::body::Body;
use tower::Service;

use super::{Place, Span, SpanKind, TRACEPARENT, is_on};

/// Where gRPC says how a call ended, if that is before its trailers: whenever it failed at once.
const STATUS: &str = "grpc-status";

/// A call that has arrived from one of our processes, which has shown that it is one.
pub(crate) fn arrived(request: &Request<Body>) -> Span {
    if !is_on() {
        return Span::default();
    }
    let from = request.headers().get(TRACEPARENT);
    let from = from.and_then(|place| place.to_str().ok()?.parse().ok());
    let path = request.uri().path();
    let mut span = Span::after(from, SpanKind::Server, || name_of(path));
    describe(&mut span, path);
    span
}

/// Does what `span` is about and tells it how that ended.
pub(crate) async fn watch<B, E>(
    mut span: Span,
    call: impl Future<Output = Result<Response<B>, E>>,
) -> Result<Response<B>, E> {
    let outcome = call.await;
    if span.is_recorded() {
        match &outcome {
            Ok(response) => note_status(&mut span, response.headers().get(STATUS)),
            Err(_) => span.fail("transport"),
        }
    }
    outcome
}

fn name_of(path: &str) -> Cow<'static, str> {
    path.trim_start_matches('/').to_owned().into()
}

fn describe(span: &mut Span, path: &str) {
    if !span.is_recorded() {
        return;
    }
    span.set("rpc.system", "grpc");
    if let Some((service, method)) = path.trim_start_matches('/').split_once('/') {
        span.set("rpc.service", service.to_owned());
        span.set("rpc.method", method.to_owned());
    }
}

fn note_status(span: &mut Span, status: Option<&HeaderValue>) {
    let code = status.map_or(Code::Ok, |status| Code::from_bytes(status.as_bytes()));
    span.set("rpc.grpc.status_code", i64::from(i32::from(code)));
    if code != Code::Ok {
        span.fail(format!("{code:?}"));
    }
}

/// Shows each call of a channel in the trace that it is made for, and tells whoever is asked.
#[derive(Clone, Debug)]
pub struct Traced<S>(pub(crate) S);

impl<S, B> Service<Request<Body>> for Traced<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    B: 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<S::Response, S::Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let mut span = Span::child(SpanKind::Client, || name_of(request.uri().path()));
        let Some(place) = span.place() else {
            return Either::Left(self.0.call(request));
        };
        describe(&mut span, request.uri().path());
        tell(&mut request, place);
        let calling = span.scope(self.0.call(request));
        Either::Right(Box::pin(watch(span, calling)))
    }
}

fn tell(request: &mut Request<Body>, place: Place) {
    // Hexadecimal digits are a header's value.
    if let Ok(value) = HeaderValue::from_str(&place.to_string()) {
        request.headers_mut().insert(TRACEPARENT, value);
    }
}
