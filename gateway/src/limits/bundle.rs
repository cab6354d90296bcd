use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moka::future::Cache;

use super::{Class, Client, Outcome};

/// How long what was given may be used, and how long a refusal is believed.
const LIFETIME: Duration = Duration::from_secs(1);
/// Redis is not asked more seldom than every so many requests of one client.
const LARGEST: u32 = 16;
/// Of those who ask seldomer, there may be any number.
const MOST_CLIENTS: u64 = 50_000;

/// What Redis said last of a client, and gave this gateway for it.
#[derive(Debug)]
struct Bundle {
    /// How many were given.
    size: u32,
    /// How many of them are not used yet.
    left: u32,
    /// When these are lost.
    ends: Instant,
    /// How many more there were when it was given.
    behind: u32,
    /// When there are as many as ever.
    whole: Instant,
    /// Before that there are none.
    refused_until: Option<Instant>,
}

/// What is given to clients at once.
///
/// Whoever asks again and again is given twice as many requests each time, and whoever does not, one: so
/// Redis is seldom asked for the busy ones, and nobody loses what they would have used. Redis gives no
/// more than an eighth of what is left: close to the limit each request is counted by itself, and at no time
/// more are let in than the limit says.
pub(super) struct Bundles(Cache<(Class, Client), Arc<Held>>);

/// The bundle of one client.
pub(super) struct Held(Mutex<Bundle>);

/// What Redis answered.
pub(super) struct Given {
    /// How many were given, this request's among them; 0 when it is refused.
    pub(super) size: u32,
    pub(super) outcome: Outcome,
}

impl Bundles {
    pub(super) fn none() -> Self {
        let clients = Cache::builder()
            .max_capacity(MOST_CLIENTS)
            .time_to_idle(2 * LIFETIME);
        Self(clients.build())
    }

    pub(super) async fn of(&self, class: Class, client: &Client) -> Arc<Held> {
        let key = (class, client.clone());
        match self.0.get(&key).await {
            Some(held) => held,
            None => {
                let none = Arc::new(Held(Mutex::new(Bundle::none())));
                self.0.insert(key, Arc::clone(&none)).await;
                none
            }
        }
    }
}

impl Held {
    /// What is known without Redis, or else how many to ask it for.
    pub(super) fn take(&self, now: Instant) -> Result<Outcome, u32> {
        self.lock().take(now)
    }

    pub(super) fn keep(&self, given: &Given, now: Instant) {
        self.lock().keep(given, now);
    }

    fn lock(&self) -> MutexGuard<'_, Bundle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bundle {
    fn none() -> Self {
        let now = Instant::now();
        Self {
            size: 0,
            left: 0,
            ends: now,
            behind: 0,
            whole: now,
            refused_until: None,
        }
    }

    fn take(&mut self, now: Instant) -> Result<Outcome, u32> {
        let reset = self.whole.saturating_duration_since(now);
        if let Some(until) = self.refused_until.filter(|until| *until > now) {
            return Ok(Outcome {
                remaining: 0,
                reset,
                wait: Some(until - now),
            });
        }
        if now >= self.ends {
            return Err(1);
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                let remaining = self.behind.saturating_add(left);
                Ok(Outcome {
                    remaining,
                    reset,
                    wait: None,
                })
            }
            None => Err((2 * self.size).clamp(1, LARGEST)),
        }
    }

    /// Others may have brought something meanwhile: that is not lost.
    fn keep(&mut self, given: &Given, now: Instant) {
        let before = if now < self.ends { self.left } else { 0 };
        let wait = given.outcome.wait;
        *self = Self {
            size: given.size,
            left: before + given.size.saturating_sub(1),
            ends: now + LIFETIME,
            behind: given.outcome.remaining,
            whole: now + given.outcome.reset,
            // The moment can only come later, but for an end of Redis itself.
            refused_until: wait.filter(|wait| *wait <= LIFETIME).map(|wait| now + wait),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(size: u32, remaining: u32, wait: Option<Duration>) -> Given {
        let outcome = Outcome {
            remaining,
            reset: Duration::from_secs(3),
            wait,
        };
        Given { size, outcome }
    }

    #[test]
    fn who_asks_again_and_again_gets_more_at_once() {
        let (mut bundle, now) = (Bundle::none(), Instant::now());
        assert_eq!(bundle.take(now).unwrap_err(), 1);
        let mut sizes = Vec::new();
        for _ in 0..6 {
            let wanted = bundle.take(now).unwrap_err();
            bundle.keep(&given(wanted, 100, None), now);
            sizes.push(wanted);
            for left in (0..wanted - 1).rev() {
                assert_eq!(bundle.take(now).unwrap().remaining, 100 + left);
            }
        }
        assert_eq!(sizes, [1, 2, 4, 8, 16, 16]);
    }

    #[test]
    fn who_asks_seldom_is_given_one() {
        let (mut bundle, now) = (Bundle::none(), Instant::now());
        bundle.keep(&given(8, 100, None), now);
        assert!(bundle.take(now).is_ok());
        assert_eq!(bundle.take(now + LIFETIME).unwrap_err(), 1);
    }

    #[test]
    fn a_refusal_is_believed_until_it_ends() {
        let (mut bundle, now) = (Bundle::none(), Instant::now());
        let wait = Duration::from_millis(300);
        bundle.keep(&given(0, 0, Some(wait)), now);
        assert_eq!(bundle.take(now).unwrap().wait, Some(wait));
        assert_eq!(bundle.take(now + wait).unwrap_err(), 1);
    }

    #[test]
    fn what_two_brought_at_once_is_not_lost() {
        let (mut bundle, now) = (Bundle::none(), Instant::now());
        bundle.keep(&given(4, 50, None), now);
        bundle.keep(&given(4, 46, None), now);
        assert_eq!(bundle.take(now).unwrap().remaining, 46 + 5);
    }
}
