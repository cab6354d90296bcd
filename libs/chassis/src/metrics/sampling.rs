//! What has to be asked for before it can be told: every now and then, never when somebody scrapes.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::task::AbortOnDropHandle;

const EVERY: Duration = Duration::from_secs(15);
const FAILURES: &str = "reen_sampling_failures_total";

/// Goes on as long as it is held.
pub type Sampling = AbortOnDropHandle<()>;

pub(super) fn describe() {
    metrics::describe_counter!(
        FAILURES,
        "Rounds in which a gauge that needs a question to a store could not be brought up to date."
    );
}

/// Asks `of` now and every 15 seconds, as long as the answer is held. `what` names the round in the log.
pub fn sample<T, R, E>(what: &'static str, of: Arc<T>, round: fn(Arc<T>) -> R) -> Sampling
where
    T: Send + Sync + 'static,
    R: Future<Output = Result<(), E>> + Send + 'static,
    E: Display + Send,
{
    let failures = metrics::counter!(FAILURES, "what" => what);
    let mut rounds = interval(EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            rounds.tick().await;
            let problem = match timeout(EVERY, round(Arc::clone(&of))).await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "no answer in time".to_owned(),
            };
            failures.increment(1);
            tracing::warn!(what, problem, "not sampled");
        }
    }))
}
