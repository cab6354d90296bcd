use std::time::Duration;

use bson::{Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{ClientSession, IndexModel};
use reen_chassis::Operation;
use reen_error::{Code, Coded};

use crate::{Collection, Database, Error, Indexes, update_each};

const COLLECTION: &str = "saga_epochs";
/// No saga lives longer than its retries, replays by hand included.
const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Remembers the newest epoch of every saga that called, and refuses older ones.
///
/// It is passed inside the transaction of the effect. Every passage writes, so that an old runner and
/// a new one that pass at the same time conflict, and the older is refused when it tries again.
#[derive(Clone, Debug)]
pub struct Fence {
    epochs: Collection<Document>,
}

/// Why a call did not pass.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FenceError {
    /// A newer epoch of the same saga has passed.
    #[error("a newer runner owns this saga")]
    Stale,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Coded for FenceError {
    fn code(&self) -> Code {
        match self {
            Self::Stale => Code::StaleEpoch,
            Self::Store(error) => error.code(),
        }
    }
}

impl Fence {
    /// The fence of a service, kept in its own database: the collection `saga_epochs`.
    #[must_use]
    pub fn open(database: &Database) -> Self {
        Self {
            epochs: database.collection(COLLECTION),
        }
    }

    /// The index that forgets old sagas, for a migration of the service.
    #[must_use]
    pub fn indexes() -> Indexes {
        let forget = IndexOptions::builder().expire_after(KEPT_FOR).build();
        let by_age = IndexModel::builder()
            .keys(doc! {"passedAt": 1})
            .options(forget)
            .build();
        Indexes::of(COLLECTION, [by_age])
    }

    /// Passes the fence for this operation's epoch.
    ///
    /// # Errors
    /// [`FenceError::Stale`] when a newer epoch of the saga has passed before.
    pub async fn pass(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
    ) -> Result<(), FenceError> {
        self.pass_all(session, [operation]).await
    }

    /// Passes the fence for each of these operations, or for none.
    ///
    /// # Errors
    /// [`FenceError::Stale`] when a newer epoch of one of the sagas has passed before.
    pub async fn pass_all<'operation>(
        &self,
        session: &mut ClientSession,
        operations: impl IntoIterator<Item = &'operation Operation>,
    ) -> Result<(), FenceError> {
        let passages = operations.into_iter().map(passage).collect();
        match update_each(session, &self.epochs, passages).await {
            Ok(_) => Ok(()),
            // The saga is there with a newer epoch, so the upsert tried to insert it anew.
            Err(error) if error.is_duplicate_key() => Err(FenceError::Stale),
            Err(error) => Err(error.into()),
        }
    }
}

fn passage(operation: &Operation) -> Document {
    let not_newer = doc! {"_id": &operation.saga, "epoch": {"$lte": operation.epoch}};
    let passed = doc! {
        "$set": {"epoch": operation.epoch},
        "$inc": {"passages": 1},
        "$currentDate": {"passedAt": true},
    };
    doc! {"q": not_newer, "u": passed, "upsert": true}
}
