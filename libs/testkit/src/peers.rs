use std::net::SocketAddr;

use reen_chassis::client::{PeerChannel, connect};
use reen_chassis::identity::Identity;
use reen_chassis::server;
use secrecy::SecretString;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::service::Routes;
use url::Url;

/// The secret that all processes of a test share.
pub const IDENTITY_SECRET: &str = "a secret for tests of thirty-two characters";

/// The identity of the process `name`.
///
/// # Panics
/// Never: the secret is long enough.
#[must_use]
pub fn identity(name: &'static str) -> Identity {
    Identity::new(name, &SecretString::from(IDENTITY_SECRET)).expect("a long secret")
}

/// A channel from the process `from` to the one called `to` at `address`. Calls are made on behalf of
/// the user of the current [`reen_chassis::CallContext`].
///
/// # Panics
/// When the address is not one.
#[must_use]
pub fn peer(from: &'static str, to: &'static str, address: SocketAddr) -> PeerChannel {
    let url = Url::parse(&format!("http://{address}")).expect("an address");
    connect(&identity(from), to, &[url]).expect("an endpoint")
}

/// Serves `routes` as the process `name` on a free port until the guard is dropped: for peers that a
/// service under test calls.
///
/// # Panics
/// When no port is free.
pub async fn serve(name: &'static str, routes: Routes) -> (SocketAddr, DropGuard) {
    let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    let stop = CancellationToken::new();
    tokio::spawn(server::serve(
        listener,
        identity(name),
        routes,
        stop.clone(),
    ));
    (address, stop.drop_guard())
}
