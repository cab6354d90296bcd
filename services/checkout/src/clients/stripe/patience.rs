//! Repeats what may have failed on the way. The client itself repeats nothing that has a key of ours.

use std::time::Duration;

use reen_chassis::CallContext;
use stripe::StripeError;
use tokio::time::{Instant, sleep};

/// Before each try.
const PAUSES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(400),
];
/// Stripe usually answers within a second; the client has no limit of its own.
const LONGEST_TRY: Duration = Duration::from_secs(4);
const LONGEST: Duration = Duration::from_secs(10);
/// What is left of the caller's deadline to say that Stripe is away.
const RESERVE: Duration = Duration::from_millis(300);

/// Sends until the outcome is known, the tries are used up or the caller has given up. Each try gets
/// the time that it may take.
pub(super) async fn until_known<T, F>(mut send: impl FnMut(Duration) -> F) -> Result<T, StripeError>
where
    F: Future<Output = Result<T, StripeError>>,
{
    let time = CallContext::current().remaining(LONGEST);
    let give_up = Instant::now() + time.saturating_sub(RESERVE);
    let mut outcome = Err(StripeError::Timeout);
    for pause in PAUSES {
        // Even no time at all is a tick of the clock.
        if !pause.is_zero() {
            sleep(pause).await;
        }
        let left = give_up.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        outcome = send(left.min(LONGEST_TRY)).await;
        if !outcome.as_ref().is_err_and(is_unknown) {
            break;
        }
    }
    outcome
}

/// Whether the request may or may not have been executed, or not yet:
/// <https://docs.stripe.com/error-low-level>.
fn is_unknown(error: &StripeError) -> bool {
    match error {
        StripeError::Stripe(_, status) => matches!(status, 409 | 424 | 429 | 500..),
        // A body that is not Stripe's comes from something in between.
        StripeError::ClientError(_) | StripeError::JSONDeserialize(_) | StripeError::Timeout => {
            true
        }
        StripeError::ConfigError(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use reen_chassis::CallContext;
    use stripe::StripeError;

    use super::until_known;

    #[tokio::test]
    async fn an_unknown_outcome_is_tried_three_times() {
        let tries = AtomicUsize::new(0);
        let outcome: Result<(), _> = until_known(|_| async {
            tries.fetch_add(1, Ordering::Relaxed);
            Err(StripeError::Timeout)
        })
        .await;
        assert!(outcome.is_err());
        assert_eq!(tries.into_inner(), 3);
    }

    #[tokio::test]
    async fn a_caller_who_gave_up_is_not_served() {
        let late = CallContext {
            deadline: Some(Instant::now()),
            ..CallContext::default()
        };
        let sending = until_known(|_| async { Ok(()) });
        let outcome = late.scope(sending).await;
        assert!(matches!(outcome, Err(StripeError::Timeout)));
    }
}
