//! How many products match what is searched for. To count them costs the more the more there are, and
//! everybody who turns the pages of the same list asks for the same number.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;

use crate::domain::Criteria;
use crate::error::Error;

/// How long a total is told after it was counted.
const LIFETIME: Duration = Duration::from_secs(1);
/// Of so many criteria, each a few hundred bytes at most; of more, those that are asked for most.
const MOST_KNOWN: u64 = 1_000;

/// Totals that were counted a moment ago. Who asks for one that is being counted waits for it.
#[derive(Clone)]
pub(super) struct Totals {
    counted: Cache<Name, u64>,
    changes: Arc<AtomicU64>,
}

/// The number of changes is a part of the name: what was counted before a change, or began to be, is not
/// found after it.
type Name = (Criteria, u64);

impl Totals {
    pub(super) fn unknown() -> Self {
        let counted = Cache::builder()
            .max_capacity(MOST_KNOWN)
            .time_to_live(LIFETIME);
        Self {
            counted: counted.build(),
            changes: Arc::default(),
        }
    }

    /// The total for these criteria, by `count` when it is not known.
    pub(super) async fn of<C, F>(&self, criteria: &Criteria, count: C) -> Result<u64, Error>
    where
        C: Fn() -> F,
        F: Future<Output = Result<u64, Error>>,
    {
        let name = (criteria.clone(), self.changes.load(Ordering::Acquire));
        let has_counted = AtomicBool::new(false);
        let counting = async {
            has_counted.store(true, Ordering::Relaxed);
            count().await
        };
        match self.counted.try_get_with(name, counting).await {
            Ok(total) => Ok(total),
            Err(failure) if has_counted.into_inner() => Err(Error::clone(&failure)),
            // Another's failure, whose time may have been over before this one's.
            Err(_) => count().await,
        }
    }

    /// What was counted until now may be wrong.
    pub(super) fn forget(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures::future::join_all;
    use tokio::sync::Notify;

    use super::Totals;
    use crate::domain::Criteria;
    use crate::error::Error;

    fn named(name: &str) -> Criteria {
        Criteria::default().named(Some(name)).unwrap()
    }

    #[tokio::test]
    async fn many_who_ask_at_once_are_told_one_count() {
        let (totals, counts) = (Totals::unknown(), AtomicU64::new(0));
        let (lamps, chairs) = (named("lamp"), named("chair"));
        let count = || async {
            tokio::task::yield_now().await;
            Ok(7 + counts.fetch_add(1, Ordering::Relaxed))
        };
        let asked = join_all((0..100).map(|_| totals.of(&lamps, count))).await;
        assert!(asked.into_iter().all(|total| total.unwrap() == 7));
        assert_eq!(totals.of(&chairs, count).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn what_began_before_a_change_is_not_told_after_it() {
        let (totals, change) = (Totals::unknown(), Notify::new());
        let lamps = named("lamp");
        let before = totals.of(&lamps, || async {
            change.notified().await;
            Ok(1)
        });
        let after = async {
            totals.forget();
            let after = totals.of(&lamps, || async { Ok(2) }).await;
            change.notify_one();
            after
        };
        let (before, after) = tokio::join!(before, after);
        assert_eq!((before.unwrap(), after.unwrap()), (1, 2));
        assert_eq!(totals.of(&lamps, || async { Ok(3) }).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_failure_is_its_own_askers_and_is_not_remembered() {
        let (totals, fails) = (Totals::unknown(), Notify::new());
        let lamps = named("lamp");
        let counts = AtomicU64::new(0);
        let failing = totals.of(&lamps, || async {
            counts.fetch_add(1, Ordering::Relaxed);
            fails.notified().await;
            Err(Error::NotFound)
        });
        let beside = totals.of(&lamps, || async { Ok(5) });
        let fail = async { fails.notify_one() };
        let (failed, beside, ()) = tokio::join!(failing, beside, fail);
        assert!(matches!(failed, Err(Error::NotFound)));
        assert_eq!(counts.into_inner(), 1);
        assert_eq!(beside.unwrap(), 5);
        assert_eq!(totals.of(&lamps, || async { Ok(6) }).await.unwrap(), 6);
    }
}
