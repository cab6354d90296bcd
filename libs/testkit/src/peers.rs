use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reen_chassis::client::{PeerChannel, connect};
use reen_chassis::config::Listen;
use reen_chassis::identity::Identity;
use reen_chassis::server;
use secrecy::SecretString;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::service::Routes;
use url::Url;

/// The secret that all processes of a test share.
pub const IDENTITY_SECRET: &str = "a secret for tests of thirty-two characters";

/// Any free port of this machine.
pub const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The listeners of a service under test, each on a free port.
pub const ANYWHERE: Listen = Listen {
    grpc: ANY_PORT,
    admin: ANY_PORT,
};

/// The identity of the process `name`.
///
/// # Panics
/// Never: the secret is long enough.
#[must_use]
pub fn identity(name: &'static str) -> Identity {
    Identity::new(name, &SecretString::from(IDENTITY_SECRET)).expect("a long secret")
}

/// The URL under which a peer at `address` is called.
///
/// # Panics
/// Never: every address makes a URL.
#[must_use]
pub fn url_of(address: SocketAddr) -> Url {
    Url::parse(&format!("http://{address}")).expect("an address")
}

/// A channel from the process `from` to the one called `to` at `address`. Calls are made on behalf of
/// the user of the current [`reen_chassis::CallContext`].
///
/// # Panics
/// Never: every address makes an endpoint.
#[must_use]
pub fn peer(from: &'static str, to: &'static str, address: SocketAddr) -> PeerChannel {
    connect(&identity(from), to, &[url_of(address)]).expect("an endpoint")
}

/// Runs what `start` makes of a shutdown signal in the background, and gives the signal when the guard
/// is dropped.
pub fn in_background<F>(start: impl FnOnce(CancellationToken) -> F) -> DropGuard
where
    F: Future<Output: Send> + Send + 'static,
{
    let stop = CancellationToken::new();
    tokio::spawn(start(stop.clone()));
    stop.drop_guard()
}

/// Serves `routes` as the process `name` on a free port until the guard is dropped: for peers that a
/// service under test calls.
///
/// # Panics
/// When no port is free.
pub async fn serve(name: &'static str, routes: Routes) -> (SocketAddr, DropGuard) {
    let listener = server::bind(ANY_PORT).await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let running = in_background(|stop| server::serve(listener, identity(name), routes, stop));
    (address, running)
}
