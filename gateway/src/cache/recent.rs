//! What stands beside something else, by id: products in a cart or an order, the name of a seller and the
//! number of orders at a product. Everybody sees the same, and there is no answer around it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use moka::future::Cache;

use super::forgotten::Moment;

/// How long one is shown after its load began.
const LIFETIME: Duration = Duration::from_secs(1);
/// What an entry takes beside what it holds, about.
const OVERHEAD_BYTES: usize = 256;

/// The moment is a part of the name, as with answers: what was loaded before a change is not found after.
pub(super) type Name = (String, Moment);

#[derive(Clone)]
struct Kept<V> {
    value: V,
    began: Instant,
}

pub(super) struct Recent<V>(Cache<Name, Kept<V>>);

impl<V: Clone + Send + Sync + 'static> Recent<V> {
    /// Remembers so many bytes, by the `size` of what each holds; of more, what is asked for most.
    pub(super) fn of(bytes: u64, size: impl Fn(&V) -> usize + Send + Sync + 'static) -> Self {
        let weigh = move |(id, _): &Name, kept: &Kept<V>| {
            let bytes = id.len() + size(&kept.value) + OVERHEAD_BYTES;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder()
            .max_capacity(bytes)
            .weigher(weigh)
            .time_to_live(LIFETIME);
        Self(cache.build())
    }

    /// What is remembered, and the names of the others.
    pub(super) async fn look(&self, names: Vec<Name>) -> (HashMap<String, V>, Vec<Name>) {
        let mut found = HashMap::with_capacity(names.len());
        let mut missing = Vec::new();
        for name in names {
            match self.0.get(&name).await {
                Some(kept) if kept.began.elapsed() < LIFETIME => {
                    found.insert(name.0, kept.value);
                }
                _ => missing.push(name),
            }
        }
        (found, missing)
    }

    /// Remembers of these what was loaded.
    pub(super) async fn keep(&self, names: Vec<Name>, loaded: &HashMap<String, V>, began: Instant) {
        for name in names {
            if let Some(value) = loaded.get(&name.0).cloned() {
                self.0.insert(name, Kept { value, began }).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Instant;

    use super::super::forgotten::{Forgotten, Slot};
    use super::{LIFETIME, Recent};

    #[tokio::test]
    async fn what_is_too_old_is_not_shown() {
        let moment = Forgotten::nothing().last(Slot::of(0));
        let name = || vec![("lamp".to_owned(), moment)];
        let loaded = HashMap::from([("lamp".to_owned(), 7)]);
        let recent = Recent::of(1024 * 1024, |_: &i32| 0);
        let now = Instant::now();
        recent.keep(name(), &loaded, now).await;
        assert_eq!(recent.look(name()).await, (loaded.clone(), vec![]));
        let long_ago = now.checked_sub(LIFETIME).unwrap();
        recent.keep(name(), &loaded, long_ago).await;
        assert_eq!(recent.look(name()).await, (HashMap::new(), name()));
    }
}
