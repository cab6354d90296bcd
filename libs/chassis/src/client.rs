//! Channels to peers: lazy, balanced over replicas, signed, with a deadline on every call, and over
//! mutual TLS where this process has certificates.

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use url::Url;

use reen_error::{Code, Failure};

use crate::context::CallContext;
use crate::idempotency::{KEY_HEADER, NotesReplays};
use crate::identity::Identity;
use crate::server::{CALLER_HEADER, REQUEST_ID_HEADER};

/// A channel whose calls carry identity, request id, deadline, and the client's name for the request.
pub type PeerChannel = InterceptedService<NotesReplays<Channel>, Outbound>;

/// How long a call may take when whoever waits named no deadline.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// A channel to the peer `audience`; connects when first used, so that start-up order does not matter.
///
/// # Errors
/// An address that is not an HTTP URL, or certificates that cannot be used.
pub fn connect(
    identity: &Identity,
    audience: &'static str,
    addresses: &[Url],
) -> Result<PeerChannel, tonic::transport::Error> {
    let endpoints = addresses
        .iter()
        .map(|address| endpoint(identity, audience, address))
        .collect::<Result<Vec<_>, _>>()?;
    let channel = match <[Endpoint; 1]>::try_from(endpoints) {
        Ok([only]) => only.connect_lazy(),
        Err(several) => Channel::balance_list(several.into_iter()),
    };
    let outbound = Outbound {
        identity: identity.clone(),
        audience,
    };
    Ok(InterceptedService::new(NotesReplays(channel), outbound))
}

fn endpoint(
    identity: &Identity,
    audience: &str,
    address: &Url,
) -> Result<Endpoint, tonic::transport::Error> {
    let mut address = address.clone();
    if identity.certificates().is_some() {
        // Whatever the address says: else a forgotten letter would send everything in the open.
        let _http_becomes_https = address.set_scheme("https");
    }
    let endpoint = Endpoint::from_shared(address.to_string())?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true);
    match identity.certificates() {
        Some(certificates) => endpoint.tls_config(certificates.of_client(audience)),
        None => Ok(endpoint),
    }
}

/// Signs every call and hands on what the current [`CallContext`] says.
#[derive(Clone, Debug)]
pub struct Outbound {
    identity: Identity,
    audience: &'static str,
}

impl Interceptor for Outbound {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let context = CallContext::current();
        let remaining = context.remaining(DEFAULT_DEADLINE);
        if remaining.is_zero() {
            let late = Failure::new(Code::DeadlineExceeded, Code::DeadlineExceeded.title());
            return Err(late.into());
        }
        request.set_timeout(remaining);
        let token = self.identity.sign(self.audience, context.user.as_deref());
        request.metadata_mut().insert(CALLER_HEADER, ascii(&token)?);
        if let Some(request_id) = context.request_id.as_deref() {
            request
                .metadata_mut()
                .insert(REQUEST_ID_HEADER, ascii(request_id)?);
        }
        if let Some(key) = &context.idempotency {
            request
                .metadata_mut()
                .insert(KEY_HEADER, ascii(&key.text())?);
        }
        Ok(request)
    }
}

fn ascii(value: &str) -> Result<MetadataValue<Ascii>, Status> {
    MetadataValue::try_from(value)
        .map_err(|_| Failure::new(Code::BadHeader, "a header value is not ASCII").into())
}
