//! Calls that a server answers, by method; and calls to peers, by peer.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use http::{Request, Response};
use metrics::Label;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};

use super::UNKNOWN;
use super::outcomes::{Measured, Names, Outcomes};

/// The words of gRPC's codes, by their numbers (gRPC, "Status codes and their use"); then what was dropped.
const CODES: [&str; 18] = [
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
    "dropped",
];
static SERVER: Names = Names {
    total: "reen_grpc_server_calls_total",
    seconds: "reen_grpc_server_call_seconds",
    label: "code",
    outcomes: &CODES,
};
static PEER: Names = Names {
    total: "reen_grpc_client_calls_total",
    seconds: "reen_grpc_client_call_seconds",
    label: "code",
    outcomes: &CODES,
};

/// The methods of the contracts, by their paths.
type Methods = HashMap<String, Arc<Outcomes>>;

/// Those that this process answers get their series when they are first called.
static METHODS: LazyLock<Methods> = LazyLock::new(methods);
static NO_METHOD: LazyLock<Arc<Outcomes>> = LazyLock::new(|| method(UNKNOWN, UNKNOWN));

pub(super) fn describe() {
    metrics::describe_counter!(
        SERVER.total,
        "Calls that this process answered, by method and gRPC code; dropped: the caller gave up."
    );
    metrics::describe_histogram!(
        SERVER.seconds,
        "How long a call took that this process answered, to the head of the answer."
    );
    metrics::describe_counter!(
        PEER.total,
        "Calls of this process to others, by peer and gRPC code; unavailable: often no answer came."
    );
    metrics::describe_histogram!(
        PEER.seconds,
        "How long a call to a peer took, to the head of the answer."
    );
}

fn methods() -> Methods {
    // What cannot be read leaves every method unknown; a test reads it.
    let files = FileDescriptorSet::decode(reen_proto::DESCRIPTORS).unwrap_or_default();
    let mut methods = HashMap::new();
    for file in &files.file {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            for called in &service.method {
                let path = format!("/{name}/{}", called.name());
                methods.insert(path, method(&name, called.name()));
            }
        }
    }
    methods
}

fn method(service: &str, method: &str) -> Arc<Outcomes> {
    let labels = vec![
        Label::new("service", service.to_owned()),
        Label::new("method", method.to_owned()),
    ];
    Arc::new(Outcomes::new(&SERVER, labels))
}

/// Where the code of an answer stands in [`CODES`]. Without a word in the head the call went well: what
/// fails before the answer begins is told there.
fn code_of<B>(response: &Response<B>) -> usize {
    match response.headers().get("grpc-status") {
        Some(status) => index(Code::from_bytes(status.as_bytes())),
        None => index(Code::Ok),
    }
}

fn answered<E>(outcome: &Result<Response<Body>, E>) -> usize {
    let failed = index(Code::Internal);
    outcome.as_ref().map_or(failed, code_of)
}

fn was_answered<B>(outcome: &Result<Response<B>, Status>) -> usize {
    match outcome {
        Ok(response) => code_of(response),
        Err(status) => index(status.code()),
    }
}

fn index(code: Code) -> usize {
    usize::try_from(i32::from(code)).unwrap_or_default()
}

/// Measures what a server is asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ServerLayer;

impl<S> Layer<S> for ServerLayer {
    type Service = MeasuredServer<S>;

    fn layer(&self, inner: S) -> Self::Service {
        MeasuredServer { inner }
    }
}

/// A server whose calls are measured.
#[derive(Clone, Debug)]
pub(crate) struct MeasuredServer<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for MeasuredServer<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Measured<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let method = METHODS.get(request.uri().path()).unwrap_or(&NO_METHOD);
        let running = Arc::clone(method).begin();
        Measured::new(self.inner.call(request), running, answered)
    }
}

/// Measures calls to one peer.
#[derive(Clone, Debug)]
pub(crate) struct PeerLayer(Arc<Outcomes>);

impl PeerLayer {
    /// Of the calls of the process `from` to `peer`.
    pub(crate) fn to(from: &'static str, peer: &'static str) -> Self {
        let labels = vec![
            Label::from_static_parts("from", from),
            Label::from_static_parts("peer", peer),
        ];
        Self(Arc::new(Outcomes::new(&PEER, labels)))
    }
}

impl<S> Layer<S> for PeerLayer {
    type Service = MeasuredPeer<S>;

    fn layer(&self, inner: S) -> Self::Service {
        MeasuredPeer {
            inner,
            calls: Arc::clone(&self.0),
        }
    }
}

/// A channel whose calls are measured.
#[derive(Clone, Debug)]
pub struct MeasuredPeer<S> {
    inner: S,
    calls: Arc<Outcomes>,
}

impl<S, B> Service<Request<Body>> for MeasuredPeer<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Status>,
{
    type Response = Response<B>;
    type Error = Status;
    type Future = Measured<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let running = Arc::clone(&self.calls).begin();
        Measured::new(self.inner.call(request), running, was_answered)
    }
}

#[cfg(test)]
mod tests {
    use http::Response;
    use tonic::body::Body;
    use tonic::{Code, Status};

    use super::{CODES, METHODS, answered, index, was_answered};

    #[test]
    fn every_code_has_its_word() {
        for (number, word) in CODES.iter().take(17).enumerate() {
            let found = Code::from_i32(i32::try_from(number).unwrap());
            assert_eq!(index(found), number);
            let name = format!("{found:?}").to_lowercase();
            assert_eq!(name, word.replace('_', ""));
        }
    }

    #[test]
    fn the_head_of_an_answer_tells_its_code() {
        let well: Result<_, ()> = Ok(Response::new(Body::empty()));
        assert_eq!(CODES[answered(&well)], "ok");
        let refused: Result<_, ()> = Ok(Status::not_found("no").into_http());
        assert_eq!(CODES[answered(&refused)], "not_found");
        let late: Result<Response<Body>, _> = Err(Status::deadline_exceeded("late"));
        assert_eq!(CODES[was_answered(&late)], "deadline_exceeded");
    }

    #[test]
    fn the_methods_of_the_contracts_are_known() {
        assert!(METHODS.len() > 50, "{}", METHODS.len());
        assert!(METHODS.contains_key("/reen.products.v1.Products/ReserveStock"));
    }
}
