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
