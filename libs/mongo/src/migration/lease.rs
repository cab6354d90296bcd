use std::time::Duration;

use bson::{DateTime, Document, doc};
use mongodb::ClientSession;
use mongodb::options::ReturnDocument;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::Holder;
use crate::{Collection, Database, Error};

pub(crate) const COLLECTION: &str = "migration_lock";
const LOCK: &str = "lock";
/// For how long a process that says nothing is believed to be alive.
const LEASE: Duration = Duration::from_secs(15);
const RENEWED_EVERY: Duration = Duration::from_secs(5);
const LOOKED_EVERY: Duration = Duration::from_millis(100);

/// The right to migrate a database, which one process has at a time.
///
/// It ends by itself when its process dies. The clock is the server's alone. Every lease has a number of its
/// own, which grows: what a process does that has lost its lease without noticing is refused by it.
pub(super) struct Lease {
    locks: Collection<Lock>,
    token: i64,
}

#[derive(Clone, Debug, Deserialize)]
struct Lock {
    token: i64,
    until: DateTime,
    holder: String,
}

impl Lease {
    /// Waits until nobody else has it.
    pub(super) async fn wait(database: &Database, holder: &str) -> Result<Self, Error> {
        let locks: Collection<Lock> = database.collection(COLLECTION);
        let free = doc! {"token": 0_i64, "until": DateTime::from_millis(0), "holder": ""};
        let making = locks.update_one(doc! {"_id": LOCK}, doc! {"$setOnInsert": free});
        match making.upsert(true).await.map_err(Error::from) {
            Err(error) if !error.is_duplicate_key() => return Err(error),
            _ => {}
        }
        loop {
            if let Some(lock) = take(&locks, holder).await? {
                let token = lock.token;
                return Ok(Self { locks, token });
            }
            sleep(LOOKED_EVERY).await;
        }
    }

    /// Does `work` while the lease is renewed beside it; ends it with [`Error::Overtaken`] when the lease is
    /// lost.
    pub(super) async fn keep<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.renew_until_lost() => Err(Error::Overtaken),
        }
    }

    async fn renew_until_lost(&self) {
        let mut lost_at = Instant::now() + LEASE;
        while Instant::now() < lost_at {
            sleep(RENEWED_EVERY).await;
            let asked_at = Instant::now();
            let renewing = self.locks.update_one(self.mine(), lasting(LEASE));
            match renewing.await {
                Ok(renewed) if renewed.matched_count == 0 => return,
                Ok(_) => lost_at = asked_at + LEASE,
                // The database may be back before the lease ends.
                Err(error) => tracing::warn!(%error, "a lease on migrations is not renewed"),
            }
        }
    }

    /// Passes in the transaction of what only its holder may do.
    pub(super) async fn pass(&self, session: &mut ClientSession) -> Result<(), Error> {
        let passing = self.locks.update_one(self.mine(), lasting(LEASE));
        let passed = passing.session(session).await?;
        match passed.matched_count {
            0 => Err(Error::Overtaken),
            _ => Ok(()),
        }
    }

    /// Gives it to whoever comes next; what fails here ends by itself.
    pub(super) async fn end(self) {
        let free = doc! {"$set": {"until": DateTime::from_millis(0)}};
        let _ends_by_itself = self.locks.update_one(self.mine(), free).await;
    }

    fn mine(&self) -> Document {
        doc! {"_id": LOCK, "token": self.token}
    }
}

async fn take(locks: &Collection<Lock>, holder: &str) -> Result<Option<Lock>, Error> {
    let over = doc! {"_id": LOCK, "$expr": {"$lt": ["$until", "$$NOW"]}};
    let mut mine = lasting(LEASE);
    mine.push(doc! {"$set": {
        "token": {"$add": ["$token", 1_i64]},
        // As it is, whatever a machine is called.
        "holder": {"$literal": holder},
    }});
    let taking = locks.find_one_and_update(over, mine);
    Ok(taking.return_document(ReturnDocument::After).await?)
}

fn lasting(time: Duration) -> Vec<Document> {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    vec![doc! {"$set": {"until": {"$add": ["$$NOW", millis]}}}]
}

/// Who has it now.
pub(super) async fn holder(database: &Database) -> Result<Option<Holder>, Error> {
    let locks: Collection<Lock> = database.collection(COLLECTION);
    let held = doc! {"_id": LOCK, "$expr": {"$gt": ["$until", "$$NOW"]}};
    let lock = locks.find_one(held).await?;
    Ok(lock.map(|lock| Holder {
        name: lock.holder,
        until: lock.until,
    }))
}
