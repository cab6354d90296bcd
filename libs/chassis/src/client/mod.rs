//! Channels to peers: lazy, balanced over replicas, signed, with a deadline on every call, and over
//! mutual TLS where this process has certificates.

mod outbound;

use std::time::Duration;

use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use url::Url;

use crate::idempotency::NotesReplays;
use crate::identity::Identity;

pub use outbound::Outbound;

/// A channel whose calls carry identity, request id, deadline, and the client's name for the request.
pub type PeerChannel = InterceptedService<NotesReplays<Channel>, Outbound>;

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
