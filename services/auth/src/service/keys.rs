use std::sync::Arc;
use std::time::Duration;

use bson::DateTime;
use moka::future::Cache;
use tokio_util::sync::CancellationToken;

use super::access_tokens::key_set;
use crate::domain::{KeyRing, KeyStatus, SigningKey};
use crate::error::Error;
use crate::store::Store;

/// How long what was read is believed. A key is published much longer than that before it signs.
const BELIEVED_FOR: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

/// The keys that sign access tokens: which one does now, and the next one in time.
pub(crate) struct SigningKeys {
    store: Store,
    /// How long a key signs; `None`: until somebody asks for another one.
    replaced_after: Option<Duration>,
    believed: Cache<(), Arc<KeyRing>>,
}

impl SigningKeys {
    /// Makes the first key, unless there is one.
    pub(crate) async fn open(
        store: Store,
        replaced_after: Option<Duration>,
    ) -> Result<Self, Error> {
        store.settle_first_key(new_key()?).await?;
        let believed = Cache::builder().max_capacity(1).time_to_live(BELIEVED_FOR);
        Ok(Self {
            store,
            replaced_after,
            believed: believed.build(),
        })
    }

    pub(super) async fn ring(&self) -> Result<Arc<KeyRing>, Error> {
        if let Some(ring) = self.believed.get(&()).await {
            return Ok(ring);
        }
        let ring = Arc::new(self.store.key_ring().await?);
        self.believed.insert((), Arc::clone(&ring)).await;
        Ok(ring)
    }

    /// The public halves, as a JSON Web Key Set.
    pub(crate) async fn published(&self) -> Result<String, Error> {
        let ring = self.ring().await?;
        key_set(ring.published(DateTime::now()))
    }

    /// The newest first.
    pub(crate) async fn list(&self) -> Result<Vec<KeyStatus>, Error> {
        let ring = self.store.key_ring().await?;
        Ok(ring.statuses(DateTime::now()))
    }

    /// Makes the next key, unless one waits to sign already, and answers what there is then.
    pub(crate) async fn rotate(&self) -> Result<Vec<KeyStatus>, Error> {
        let ring = self.store.key_ring().await?;
        if let Some(next) = ring.successor(new_key()?, DateTime::now()) {
            self.store.add_key(&next).await?;
            self.believed.invalidate(&()).await;
            let (key, from) = (&next.key.published.id, next.signs_from);
            tracing::warn!(key, %from, "another key is going to sign access tokens");
        }
        self.list().await
    }

    /// Until `shutdown`, replaces a key that has become too old and forgets those whose tokens have expired.
    /// Several replicas may do so at once.
    pub(crate) async fn keep_young(&self, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.look_after().await {
                tracing::warn!(%error, "the signing keys cannot be looked after");
            }
            let _stopped = tokio::time::timeout(LOOK_EVERY, shutdown.cancelled()).await;
        }
    }

    async fn look_after(&self) -> Result<(), Error> {
        let ring = self.store.key_ring().await?;
        let now = DateTime::now();
        let over = ring.over(now);
        if !over.is_empty() {
            self.store.forget_keys(&over).await?;
        }
        match self.replaced_after {
            Some(age) if ring.is_older_than(age, now) => self.rotate().await.map(drop),
            _ => Ok(()),
        }
    }
}

fn new_key() -> Result<SigningKey, Error> {
    SigningKey::generate().map_err(|_| Error::NoRandomness)
}
