//! The gRPC server of a process: identity checked before anything else, health and reflection included.
//! With certificates nobody gets as far as that who has none of the same authority.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use tokio::net::TcpListener;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::{Layer, Service, ServiceBuilder};

use reen_error::{Code, Coded, Failure};

use crate::context::CallContext;
use crate::idempotency::RequestKey;
use crate::identity::Identity;
use crate::metrics::ServerLayer;
use crate::neighbours::{self, Door};
use crate::shutdown::Shutdown;
use crate::telemetry::trace::rpc;

/// The metadata key of the caller's signed identity.
pub const CALLER_HEADER: &str = "x-reen-caller";
/// The metadata key of the request id.
pub const REQUEST_ID_HEADER: &str = "x-request-id";

/// What health probes and reflection may be asked without an identity.
const OPEN_PATHS: [&str; 2] = ["/grpc.health.", "/grpc.reflection."];
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Why a server did not start or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Bind {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The listener failed while serving.
    #[error("the listener failed")]
    Listener(#[from] std::io::Error),
    /// The transport failed while serving.
    #[error("the gRPC server failed")]
    Transport(#[from] tonic::transport::Error),
    /// The contracts do not make a reflection service.
    #[error("reflection cannot be served")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Binds first, so that an address that is taken stops the start-up; port 0 takes a free one.
///
/// # Errors
/// [`ServeError::Bind`].
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|source| ServeError::Bind { address, source })?;
    neighbours::listening(listener.local_addr()?);
    Ok(listener)
}

/// Serves `routes` until `shutdown` closes, then lets calls in flight finish. From when it leaves the
/// health service says that nothing is served, so that callers turn to other replicas.
///
/// # Errors
/// When the listener or the transport fails.
pub async fn serve(
    listener: TcpListener,
    identity: Identity,
    routes: Routes,
    shutdown: impl Into<Shutdown>,
) -> Result<(), ServeError> {
    let shutdown = shutdown.into();
    let (mut health, health_service) = tonic_health::server::health_reporter();
    health
        .set_service_status("", tonic_health::ServingStatus::Serving)
        .await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(reen_proto::DESCRIPTORS)
        .build_v1()?;
    let routes = routes.add_service(health_service).add_service(reflection);
    let routes = routes.prepare();
    let inbound = InboundLayer { identity };
    let certificates = inbound.identity.certificates();
    let layers = ServiceBuilder::new()
        .layer(ServerLayer)
        .layer(inbound.clone());
    let door = Door::open(listener.local_addr()?, layers.service(routes.clone()));
    let stopping = async {
        shutdown.leaving().cancelled().await;
        health
            .set_service_status("", tonic_health::ServingStatus::NotServing)
            .await;
        shutdown.closing().cancelled().await;
        // Whoever watches the health would keep its call in flight for ever.
        health.clear_service_status("").await;
        door.shut();
    };
    // Set here: the server's own setting is for listeners that it binds itself.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let mut server = Server::builder().http2_keepalive_interval(Some(KEEP_ALIVE));
    if let Some(certificates) = certificates {
        server = server.tls_config(certificates.of_server())?;
    }
    server
        .layer(ServerLayer)
        .layer(inbound)
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, stopping)
        .await?;
    door.empty().await;
    Ok(())
}

/// The boundary of a service: what went wrong inside is logged here, once, with its causes, and the
/// caller gets what may leave the process.
pub fn refuse(error: &impl Coded) -> Status {
    let failure = Failure::from_error(error);
    if failure.code.is_public() {
        tracing::debug!(code = failure.code.word(), %error, "refused");
    } else {
        let causes = causes(error);
        tracing::error!(code = failure.code.word(), %error, causes, "failed");
    }
    failure.into_status()
}

fn causes(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(error.source(), |cause| cause.source());
    chain
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[derive(Clone)]
struct InboundLayer {
    identity: Identity,
}

impl<S> Layer<S> for InboundLayer {
    type Service = Inbound<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Inbound {
            inner,
            identity: self.identity.clone(),
        }
    }
}

/// Refuses calls without identity and puts the rest into their [`CallContext`].
#[derive(Clone)]
struct Inbound<S> {
    inner: S,
    identity: Identity,
}

impl<S> Service<Request<Body>> for Inbound<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if OPEN_PATHS
            .iter()
            .any(|open| request.uri().path().starts_with(open))
        {
            return Box::pin(self.inner.call(request));
        }
        let token = header(request.headers(), CALLER_HEADER);
        let Some(caller) = token.and_then(|token| self.identity.verify(token)) else {
            let refused = Failure::new(Code::UnknownCaller, "the caller's identity is not valid");
            let response = refused.into_status().into_http();
            return Box::pin(async move { Ok(response) });
        };
        let span = rpc::arrived(&request);
        let context = CallContext {
            request_id: header(request.headers(), REQUEST_ID_HEADER).map(Arc::from),
            deadline: deadline(request.headers()),
            user: caller.user.clone(),
            // A name is the effect's, and the effect is here: whom this process asks is not told it.
            idempotency: None,
            place: span.place(),
        };
        if let Some(key) = RequestKey::read(&caller, request.uri(), request.headers()) {
            request.extensions_mut().insert(key);
        }
        request.extensions_mut().insert(caller);
        let answering = context.scope(self.inner.call(request));
        Box::pin(rpc::watch(span, answering))
    }
}

fn header<'request>(headers: &'request HeaderMap, name: &str) -> Option<&'request str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Reads `grpc-timeout`: up to eight digits and a unit (gRPC over HTTP/2, "Requests").
pub(crate) fn deadline(headers: &HeaderMap) -> Option<Instant> {
    let value = header(headers, "grpc-timeout")?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let amount: u64 = digits.parse().ok()?;
    let timeout = match unit {
        "H" => Duration::from_secs(amount.checked_mul(3600)?),
        "M" => Duration::from_secs(amount.checked_mul(60)?),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    };
    Instant::now().checked_add(timeout)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use http::HeaderMap;

    use super::deadline;

    #[test]
    fn a_timeout_is_read_with_its_unit() {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", "2000m".parse().unwrap());
        let left = deadline(&headers)
            .unwrap()
            .saturating_duration_since(Instant::now());
        assert!(left > Duration::from_secs(1) && left <= Duration::from_secs(2));
    }

    #[test]
    fn a_malformed_timeout_is_none() {
        for malformed in ["", "m", "12", "1x", "-5S"] {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", malformed.parse().unwrap());
            assert!(deadline(&headers).is_none(), "{malformed}");
        }
    }
}
