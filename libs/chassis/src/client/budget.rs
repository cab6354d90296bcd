//! How many calls may be sent a second time: a share of all, so that an outage is never doubled.

use std::sync::atomic::{AtomicU32, Ordering};

/// A second try is paid for by so many calls.
const CALLS_FOR_A_RETRY: u32 = 5;
/// What a quiet peer may be retried, and what a busy one may save up, in calls.
const AT_FIRST: u32 = 10 * CALLS_FOR_A_RETRY;
const MOST: u32 = 100 * CALLS_FOR_A_RETRY;

/// Calls saved up.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(AT_FIRST))
    }
}

impl Budget {
    /// A call was made. When all is saved up, which is nearly always, nothing is written.
    pub(super) fn earn(&self) {
        if self.0.load(Ordering::Relaxed) < MOST {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether one more call may be sent again.
    pub(super) fn spend(&self) -> bool {
        let pay = |saved: u32| saved.checked_sub(CALLS_FOR_A_RETRY);
        let paid = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay);
        paid.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{AT_FIRST, Budget, CALLS_FOR_A_RETRY, MOST};

    fn spend_all(budget: &Budget) -> u32 {
        let mut spent = 0;
        while budget.spend() {
            spent += 1;
        }
        spent
    }

    #[test]
    fn a_fifth_of_the_calls_may_be_sent_again() {
        let budget = Budget::default();
        assert_eq!(spend_all(&budget), AT_FIRST / CALLS_FOR_A_RETRY);
        (0..200).for_each(|_| budget.earn());
        assert_eq!(spend_all(&budget), 200 / 5);
        assert!(!budget.spend());
    }

    #[test]
    fn what_is_saved_up_has_a_limit() {
        let budget = Budget::default();
        (0..100_000).for_each(|_| budget.earn());
        assert_eq!(spend_all(&budget), MOST / CALLS_FOR_A_RETRY);
    }
}
