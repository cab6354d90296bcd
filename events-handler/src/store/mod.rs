//! Documents, indexes and queries; nothing else speaks to MongoDB.

mod beginning;
mod change;
mod document;
mod migrations;
mod operators;
mod standing;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::options::ReturnDocument;
use reen_messaging::{Inbox, Noted, Outbox};
use reen_mongo::{Collection, Database, Group, GuardedWrites};

use crate::error::Error;
use beginning::{Beginning, Beginnings};
pub(crate) use change::{Advance, Change, Outcome};
pub(crate) use document::{Entry, LogEntry, NewSaga, Saga, Status};
pub use migrations::schema;
pub(crate) use operators::{SagaFilter, Turn};
pub(crate) use reen_messaging::Event;
pub(crate) use reen_mongo::{Claim, Idempotency};
pub(crate) use watch::Watched;

const SAGAS: &str = "sagas";
/// How long a saga belongs to its runner after each stored stage: longer than any stage may take.
const LEASE: Duration = Duration::from_secs(60);
/// A retry that is this late has lost its message.
const OVERDUE: Duration = Duration::from_secs(30);
const MOST_OVERDUE: i64 = 100;

#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    inbox: Inbox,
    outbox: Outbox,
    sagas: Collection<Saga>,
    beginnings: Arc<Group<Beginnings>>,
    /// Changes of sagas, those of the same moment together.
    writes: Arc<GuardedWrites>,
}

/// The field by which a repeat is told, and its value in what was asked anew.
pub(crate) type Mark = (&'static str, Bson);

/// What became of an event that was taken in.
#[derive(Debug)]
pub(crate) enum Begun {
    /// A new saga, acquired for this process.
    Fresh(Box<Saga>),
    /// The event, or another one for the same saga, was here before.
    Known { saga_id: String },
}

impl Store {
    pub(crate) fn open(database: &Database) -> Self {
        let inbox = Inbox::open(database);
        let sagas = database.collection(SAGAS);
        let beginnings = Beginnings {
            database: database.clone(),
            inbox: inbox.clone(),
            sagas: sagas.clone(),
        };
        Self {
            database: database.clone(),
            inbox,
            outbox: Outbox::open(database),
            sagas,
            beginnings: Arc::new(Group::start(beginnings)),
            writes: Arc::new(GuardedWrites::open(database, SAGAS)),
        }
    }

    /// Messages that go out with a change.
    pub(crate) fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    /// Stores an event that asks for nothing; a repeat changes nothing.
    pub(crate) async fn note_ignored(&self, event: &Event, why: &str) -> Result<(), Error> {
        self.inbox.note_alone(event, Noted::Ignored(why)).await?;
        Ok(())
    }

    /// Stores an event together with the saga that it starts. Of an event, and of a saga's key, only
    /// the first counts.
    pub(crate) async fn begin(&self, event: Event, new: NewSaga) -> Result<Begun, Error> {
        let saga = Saga::begin(new, lease_end());
        let saga_id = saga.id.clone();
        let begun = self.beginnings.submit(Beginning {
            event,
            saga: saga.clone(),
        });
        Ok(if begun.await? {
            Begun::Fresh(Box::new(saga))
        } else {
            Begun::Known { saga_id }
        })
    }

    /// Whether a saga has this field with this value in its state.
    pub(crate) async fn has_mark(&self, saga_id: &str, mark: &Mark) -> Result<bool, Error> {
        let (field, value) = mark;
        let mut same = doc! {"_id": saga_id};
        same.insert(format!("state.{field}"), value);
        Ok(self.sagas.find_one(same).await?.is_some())
    }

    /// Makes an unsettled saga this process's own, with a new epoch: when its lease has ended, or at
    /// once when `from_the_dead`, i.e. the message of its runner came back. A runner that lives on
    /// all the same is refused by the services from then on.
    pub(crate) async fn acquire(
        &self,
        saga_id: &str,
        from_the_dead: bool,
    ) -> Result<Option<Saga>, Error> {
        let mut free = doc! {"_id": saga_id, "status": {"$in": Status::unsettled()}};
        if !from_the_dead {
            free.insert("leaseUntil", doc! {"$lt": DateTime::now()});
        }
        let mine = doc! {"$inc": {"epoch": 1}, "$set": {"leaseUntil": lease_end()}};
        Ok(self
            .sagas
            .find_one_and_update(free, mine)
            .return_document(ReturnDocument::After)
            .await?)
    }

    /// Stores what became of a saga, if the saga still has the runner's epoch, and gives the runner its
    /// new lease. While it has that epoch nobody else writes to it.
    pub(crate) async fn change(
        &self,
        saga: &mut Saga,
        change: Change<'_>,
    ) -> Result<Outcome, Error> {
        let mine = doc! {"_id": &saga.id, "epoch": saga.epoch};
        let mut after = saga.clone();
        let update = change.apply(&mut after, lease_end())?;
        if !self.writes.write(mine, update).await? {
            return Ok(Outcome::Fenced);
        }
        *saga = after;
        Ok(Outcome::Stored)
    }

    /// Unsettled sagas whose retry or whose runner is overdue, longest first.
    pub(crate) async fn overdue(&self) -> Result<Vec<String>, Error> {
        let before = earlier(OVERDUE);
        let overdue = doc! {
            "status": {"$in": Status::unsettled()},
            "dueAt": {"$lt": before},
            "leaseUntil": {"$lt": before},
        };
        let ids: Collection<Document> = self.sagas.clone_with_type();
        let found = ids
            .find(overdue)
            .sort(doc! {"dueAt": 1})
            .projection(doc! {"_id": 1})
            .limit(MOST_OVERDUE)
            .await?;
        let found: Vec<Document> = found.try_collect().await?;
        Ok(found
            .iter()
            .filter_map(|saga| saga.get_str("_id").ok().map(str::to_owned))
            .collect())
    }
}

fn lease_end() -> DateTime {
    later(LEASE)
}

pub(crate) fn later(duration: Duration) -> DateTime {
    DateTime::now().saturating_add_duration(duration)
}

pub(crate) fn earlier(duration: Duration) -> DateTime {
    DateTime::from_millis(
        DateTime::now().timestamp_millis()
            - i64::try_from(duration.as_millis()).unwrap_or(i64::MAX),
    )
}
