//! Channels to peers: balanced over replicas, signed, with a deadline on every call, and over mutual TLS
//! where this process has certificates.
//!
//! Between a call and its connection there is no queue and no task: the caller's own task writes the
//! request into the HTTP/2 connection of a replica, and one task for each connection moves the bytes.

mod address;
mod balanced;
mod budget;
mod choice;
mod connection;
mod ejection;
mod exchange;
mod keeper;
mod measures;
mod methods;
mod next_door;
mod outbound;
mod pool;
mod replica;
mod resolve;

use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio_util::sync::CancellationToken;
use tonic::service::interceptor::InterceptedService;
use tower::Layer as _;
use url::Url;

use crate::idempotency::NotesReplays;
use crate::identity::Identity;
use crate::metrics::{MeasuredPeer, PeerLayer};
use crate::telemetry::trace::Traced;

use address::Place;
use connection::Connector;
use keeper::Keeper;
use pool::Pool;
use resolve::Places;

pub(crate) use measures::describe as describe_measures;

pub use address::AddressError;
pub use balanced::Balanced;
pub use exchange::Answer;
pub use outbound::Outbound;
pub use resolve::{Dns, Resolver};

/// A channel whose calls carry identity, request id, deadline, place in a trace, and the client's name for the request.
pub type PeerChannel = InterceptedService<Traced<NotesReplays<MeasuredPeer<Balanced>>>, Outbound>;

/// A channel to the peer `audience`, whose replicas are at `addresses`: a name may stand for several.
/// Connects when first used, so that start-up order does not matter.
///
/// # Errors
/// See [`AddressError`].
pub fn connect(
    identity: &Identity,
    audience: &'static str,
    addresses: &[Url],
) -> Result<PeerChannel, AddressError> {
    connect_through(Arc::new(Dns), identity, audience, addresses)
}

/// The same where names are looked up by something else than the system.
///
/// # Errors
/// See [`AddressError`].
pub fn connect_through(
    resolver: Arc<dyn Resolver>,
    identity: &Identity,
    audience: &'static str,
    addresses: &[Url],
) -> Result<PeerChannel, AddressError> {
    if addresses.is_empty() {
        return Err(AddressError::None(audience));
    }
    let certificates = identity.certificates();
    let places = addresses
        .iter()
        .map(|address| Place::read(address, certificates.is_some()))
        .collect::<Result<_, _>>()?;
    let bearing = || ServerName::try_from(audience).map_err(|_| AddressError::Name(audience));
    let tls = certificates
        .map(|certificates| bearing().map(|name| (certificates.of_client(), name)))
        .transpose()?;
    let balanced = Balanced::new(Keeper {
        pool: Arc::new(Pool::new(identity.name(), audience)),
        places: Places::new(places, resolver),
        connector: Connector::new(tls),
        stop: CancellationToken::new(),
    });
    let outbound = Outbound {
        identity: identity.clone(),
        audience,
    };
    let measured = PeerLayer::to(identity.name(), audience).layer(balanced);
    let traced = Traced(NotesReplays(measured));
    Ok(InterceptedService::new(traced, outbound))
}
