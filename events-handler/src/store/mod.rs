//! Documents, indexes and queries; nothing else speaks to MongoDB.

mod change;
mod document;
mod operators;
mod watch;

use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::options::ReturnDocument;
use mongodb::{ClientSession, Collection, IndexModel};
use reen_messaging::{Inbox, Noted, Outbox};
use reen_mongo::{Database, Transaction, sync_indexes};

use crate::error::Error;
pub(crate) use change::{Advance, Change, Outcome};
pub(crate) use document::{Entry, LogEntry, NewSaga, Saga, Status};
pub(crate) use operators::{SagaFilter, Turn};
pub(crate) use reen_messaging::Event;
pub(crate) use watch::Watched;

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
    pub(crate) async fn open(database: &Database) -> Result<Self, reen_mongo::Error> {
        let store = Self {
            database: database.clone(),
            inbox: Inbox::open(database).await?,
            outbox: Outbox::open(database).await?,
            sagas: database.collection("sagas"),
        };
        let by_due = IndexModel::builder()
            .keys(doc! {"status": 1, "dueAt": 1})
            .build();
        let of_sagas = watch::indexes().into_iter().chain([by_due]);
        let of_sagas = of_sagas.chain(operators::indexes());
        sync_indexes(&store.sagas, of_sagas).await?;
        Ok(store)
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
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.begin_once(transaction.session(), &event, &saga).await;
            match transaction.settle(attempt).await? {
                None => {}
                Some(true) => return Ok(Begun::Fresh(Box::new(saga))),
                Some(false) => return Ok(Begun::Known { saga_id }),
            }
        }
    }

    /// Answers whether the saga is new.
    async fn begin_once(
        &self,
        session: &mut ClientSession,
        event: &Event,
        saga: &Saga,
    ) -> Result<bool, Error> {
        let noted = Noted::For(&saga.id);
        if !self.inbox.note(session, event, noted).await? {
            return Ok(false);
        }
        let this = doc! {"_id": &saga.id};
        let mut new = bson::serialize_to_document(saga)?;
        new.remove("_id");
        let unless_known = doc! {"$setOnInsert": new};
        let begun = self.sagas.update_one(this, unless_known).upsert(true);
        Ok(begun.session(session).await?.upserted_id.is_some())
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
    /// new lease.
    pub(crate) async fn change(
        &self,
        saga: &mut Saga,
        change: Change<'_>,
    ) -> Result<Outcome, Error> {
        let mine = doc! {"_id": &saga.id, "epoch": saga.epoch};
        let update = change.into_update(saga, lease_end())?;
        let changed = self
            .sagas
            .find_one_and_update(mine, update)
            .return_document(ReturnDocument::After)
            .await?;
        let Some(changed) = changed else {
            return Ok(Outcome::Fenced);
        };
        *saga = changed;
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
