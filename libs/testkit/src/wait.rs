use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use tokio::time::Instant;

/// How long a test waits for a state before it fails: generous, because a test that passes never waits it out.
pub const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(10);

/// Asks again and again until `state` answers something, and answers that.
///
/// # Panics
/// When it has not within [`PATIENCE`]; `what` says what was waited for.
pub async fn eventually<T, F>(what: &str, mut state: F) -> T
where
    F: AsyncFnMut() -> Option<T>,
{
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(reached) = state().await {
            return reached;
        }
        assert!(
            Instant::now() < give_up,
            "waited {PATIENCE:?} in vain for: {what}"
        );
        tokio::time::sleep(PAUSE).await;
    }
}

/// A port that was free a moment ago, for what cannot bind to port 0 itself.
///
/// # Panics
/// When none is.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("bound").port()
}
