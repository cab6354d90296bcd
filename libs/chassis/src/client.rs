//! Channels to peers: lazy, balanced over replicas, signed, with a deadline on every call.

use std::time::Duration;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use url::Url;

use reen_error::{Code, Failure};

use crate::context::CallContext;
use crate::identity::Identity;
use crate::server::{CALLER_HEADER, REQUEST_ID_HEADER};

/// A channel whose calls carry identity, request id and deadline.
pub type PeerChannel = InterceptedService<Channel, Outbound>;

/// How long a call may take when whoever waits named no deadline.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// A channel to the peer `audience`; connects when first used, so that start-up order does not matter.
///
/// # Errors
/// An address that is not an HTTP URL.
pub fn connect(
    identity: &Identity,
    audience: &'static str,
    addresses: &[Url],
) -> Result<PeerChannel, tonic::transport::Error> {
    let endpoints = addresses
        .iter()
        .map(endpoint)
        .collect::<Result<Vec<_>, _>>()?;
    let channel = match <[Endpoint; 1]>::try_from(endpoints) {
        Ok([only]) => only.connect_lazy(),
        Err(several) => Channel::balance_list(several.into_iter()),
    };
    let outbound = Outbound {
        identity: identity.clone(),
        audience,
    };
    Ok(InterceptedService::new(channel, outbound))
}

fn endpoint(address: &Url) -> Result<Endpoint, tonic::transport::Error> {
    Ok(Endpoint::from_shared(address.to_string())?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .tcp_nodelay(true))
}

/// Signs every call and hands on request id and deadline of the current [`CallContext`].
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
        Ok(request)
    }
}

fn ascii(value: &str) -> Result<MetadataValue<Ascii>, Status> {
    MetadataValue::try_from(value)
        .map_err(|_| Failure::new(Code::BadHeader, "a header value is not ASCII").into())
}
