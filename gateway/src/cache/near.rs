//! What this process remembers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;

use super::answer::Answer;
use super::forgotten::Moment;
use super::key::Key;
use crate::error::Error;

/// How long this process remembers an answer, which may be older than that.
pub(super) const NEAR_LIFETIME: Duration = Duration::from_secs(1);
/// What an entry takes beside its key and its answer, about.
const OVERHEAD_BYTES: usize = 256;

/// What a load came to.
#[derive(Debug)]
pub(super) struct Entry {
    /// The error is that there is no such thing.
    pub(super) outcome: Result<Answer, Error>,
    /// When its load began.
    pub(super) began: Instant,
    /// When it is too old.
    ends: Instant,
}

impl Entry {
    pub(super) fn kept(answer: Answer, began: Instant, ends: Instant) -> Arc<Self> {
        Arc::new(Self {
            outcome: Ok(answer),
            began,
            ends,
        })
    }

    pub(super) fn missing(error: Error, began: Instant) -> Arc<Self> {
        Arc::new(Self {
            outcome: Err(error),
            began,
            ends: began + NEAR_LIFETIME,
        })
    }

    pub(super) fn is_young(&self) -> bool {
        Instant::now() < self.ends
    }

    fn size(&self) -> usize {
        self.outcome.as_ref().map_or(0, Answer::size)
    }
}

/// The moment is a part of the name: who comes after it neither sees what was kept before nor waits
/// for a load that began before.
type Name = (Arc<str>, Moment);

struct WhileYoung;

impl Expiry<Name, Arc<Entry>> for WhileYoung {
    fn expire_after_create(&self, _: &Name, entry: &Arc<Entry>, now: Instant) -> Option<Duration> {
        let young = entry.ends.saturating_duration_since(now);
        Some(young.min(NEAR_LIFETIME))
    }
}

pub(super) struct Near(Cache<Name, Arc<Entry>>);

impl Near {
    /// Remembers so many bytes; of more, what is asked for most.
    pub(super) fn of(bytes: u64) -> Self {
        let weigh = |(text, _): &Name, entry: &Arc<Entry>| {
            let bytes = text.len() + entry.size() + OVERHEAD_BYTES;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder()
            .max_capacity(bytes)
            .weigher(weigh)
            .expire_after(WhileYoung);
        Self(cache.build())
    }

    pub(super) async fn get(&self, key: &Key, forgotten: Moment) -> Option<Arc<Entry>> {
        self.0.get(&(Arc::clone(key.text()), forgotten)).await
    }

    /// What is there by now, or else what `fetch` answers. Of several who ask at the same time, one
    /// fetches; when that one gives up, another does.
    pub(super) async fn get_or(
        &self,
        key: &Key,
        forgotten: Moment,
        fetch: impl Future<Output = Result<Arc<Entry>, Error>>,
    ) -> Result<Arc<Entry>, Error> {
        let name = (Arc::clone(key.text()), forgotten);
        let fetched = self.0.try_get_with(name, fetch).await;
        fetched.map_err(|error| Error::clone(&error))
    }
}
