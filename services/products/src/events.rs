//! What this service announces: which products look different now.
//!
//! Announcements are a courtesy to whoever remembers products. They are stored nowhere, and whoever
//! misses one must not believe what it remembers for longer than it may be wrong.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bson::oid::ObjectId;
use reen_messaging::{Announcer, Message, Topic};
use reen_proto::events::PRODUCTS_CHANGED;
use reen_proto::events::v1::ProductsChanged;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// On which changes are announced.
pub(crate) const TOPIC: Topic = Topic {
    name: PRODUCTS_CHANGED,
};

/// After an announcement: what changes meanwhile is announced together.
const PAUSE: Duration = Duration::from_millis(10);

/// Products that changed and were not announced yet.
#[derive(Default)]
pub(crate) struct Changes {
    unannounced: Mutex<HashSet<ObjectId>>,
    noted: Notify,
}

impl Changes {
    /// These look different from now on: the change is committed.
    pub(crate) fn note(&self, ids: impl IntoIterator<Item = ObjectId>) {
        let mut unannounced = self.lock();
        let before = unannounced.len();
        unannounced.extend(ids);
        if unannounced.len() > before {
            self.noted.notify_one();
        }
    }

    /// Announces what is noted, the first at once, until `ending` and what was noted by then.
    pub(crate) async fn announce(&self, announcer: &Announcer, ending: &CancellationToken) {
        while ending
            .run_until_cancelled(self.noted.notified())
            .await
            .is_some()
        {
            self.announce_noted(announcer).await;
            let _ended = tokio::time::timeout(PAUSE, ending.cancelled()).await;
        }
        self.announce_noted(announcer).await;
    }

    async fn announce_noted(&self, announcer: &Announcer) {
        let ids = std::mem::take(&mut *self.lock());
        if ids.is_empty() {
            return;
        }
        let ids = ids.into_iter().map(ObjectId::to_hex).collect();
        let news = Message::new(&ProductsChanged { ids });
        if let Err(error) = announcer.announce(&news).await {
            tracing::debug!(%error, "a change is not announced");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<ObjectId>> {
        self.unannounced
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
