use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// More lanes than repeats come at a time, so that strangers seldom share one.
const LANES: usize = 256;

/// Lines up what would do the same twice in this process: a repeat waits for the first, and sees what
/// came of it. It is no lock: other replicas do not see it, and what is right without it stays right.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    lanes: Arc<[Arc<Mutex<()>>]>,
}

/// A place at the head of some lanes; leaving is dropping it.
#[derive(Debug)]
#[must_use = "the lanes are left when it is dropped"]
pub(crate) struct Turn {
    _lanes: Vec<OwnedMutexGuard<()>>,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            lanes: (0..LANES).map(|_| Arc::default()).collect(),
        }
    }
}

impl Lanes {
    /// Waits until nobody else is at the head of the lanes of these keys. Lanes are entered in one
    /// order everywhere, so that nobody waits for each other.
    pub(super) async fn enter<K: Hash>(&self, keys: impl IntoIterator<Item = K>) -> Turn {
        let wanted: BTreeSet<usize> = keys.into_iter().map(|key| lane_of(&key)).collect();
        let mut entered = Vec::with_capacity(wanted.len());
        for lane in wanted {
            entered.push(Arc::clone(&self.lanes[lane]).lock_owned().await);
        }
        Turn { _lanes: entered }
    }
}

fn lane_of(key: &impl Hash) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let lanes = u64::try_from(LANES).unwrap_or(u64::MAX);
    usize::try_from(hasher.finish() % lanes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::Lanes;

    #[tokio::test(flavor = "multi_thread")]
    async fn only_one_at_a_time_is_at_the_head_whatever_the_order_of_keys() {
        let lanes = Lanes::default();
        let inside = AtomicUsize::new(0);
        join_all((0..64).map(async |index| {
            let keys = if index % 2 == 0 {
                ["lamp", "cup"]
            } else {
                ["cup", "lamp"]
            };
            let _turn = lanes.enter(keys).await;
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
            tokio::task::yield_now().await;
            inside.fetch_sub(1, Ordering::SeqCst);
        }))
        .await;
    }
}
