use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use super::{Class, Client, Limit, Limits, Outcome};

/// Whoever is not counted any more is forgotten when so many more have come.
const FORGET_AFTER: usize = 10_000;

type Counter =
    RateLimiter<Client, DefaultKeyedStateStore<Client>, DefaultClock, StateInformationMiddleware>;

/// What this process alone has counted.
pub(crate) struct Local {
    counters: HashMap<Class, (Limit, Counter)>,
    clock: DefaultClock,
    counted: AtomicUsize,
}

impl Local {
    pub(crate) fn new(limits: &Limits) -> Self {
        let counter = |class: Class| {
            let limit = limits.of(class)?;
            let quota = Quota::per_minute(limit.a_minute).allow_burst(limit.at_once);
            let counter = RateLimiter::keyed(quota);
            let counter = counter.with_middleware::<StateInformationMiddleware>();
            Some((class, (limit, counter)))
        };
        Self {
            counters: Class::ALL.into_iter().filter_map(counter).collect(),
            clock: DefaultClock::default(),
            counted: AtomicUsize::new(0),
        }
    }

    /// Counts one request of a class that has a limit.
    pub(crate) fn count(&self, class: Class, client: &Client) -> Outcome {
        let Some((limit, counter)) = self.counters.get(&class) else {
            return Outcome {
                remaining: u32::MAX,
                reset: Duration::ZERO,
                wait: None,
            };
        };
        if self.counted.fetch_add(1, Ordering::Relaxed) % FORGET_AFTER == FORGET_AFTER - 1 {
            counter.retain_recent();
        }
        let at_once = limit.at_once.get();
        match counter.check_key(client) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Outcome {
                    remaining,
                    reset: limit.interval() * at_once.saturating_sub(remaining),
                    wait: None,
                }
            }
            Err(refusal) => Outcome {
                remaining: 0,
                reset: limit.interval() * at_once,
                wait: Some(refusal.wait_time_from(self.clock.now())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_too_often_waits_and_nobody_else() {
        let local = Local::new(&Limits::all(Limit::new(60, 3)));
        let [ada, bob] = ["ada", "bob"].map(|user| Client::User(user.into()));
        for remaining in [2, 1, 0] {
            let outcome = local.count(Class::Read, &ada);
            assert_eq!((outcome.remaining, outcome.wait), (remaining, None));
        }
        let refused = local.count(Class::Read, &ada);
        let wait = refused.wait.unwrap();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1));
        assert_eq!(local.count(Class::Read, &bob).wait, None);
        assert_eq!(local.count(Class::Write, &ada).wait, None);
    }
}
