mod relay;
mod size;

use std::sync::Arc;
use std::time::Duration;

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::{ClientSession, IndexModel};
use reen_mongo::{Collection, Database, Error, Indexes};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{Message, Publisher};

const COLLECTION: &str = "outbox";
/// How many messages a relay takes at a time.
const BATCH: i64 = 100;
/// How long taken messages are left to the relay that took them: longer than it can take to publish
/// them, so that only a dead relay's are taken again.
const LEASE: Duration = Duration::from_secs(15);

/// Messages that go out if, and only if, the transaction commits in which they were put.
///
/// The relay publishes with confirms and forgets a message only then: what was committed arrives at
/// least once, always under the same message id.
#[derive(Clone, Debug)]
pub struct Outbox {
    messages: Collection<Entry>,
    nudged: Arc<Notify>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// Grows with each put of a process, and so orders what was put within a millisecond.
    #[serde(rename = "_id")]
    id: ObjectId,
    message_id: String,
    kind: String,
    body: Binary,
    put_at: DateTime,
    /// Until then it is a relay's.
    lease_until: DateTime,
    /// That relay's round; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    round: Option<ObjectId>,
    /// Where in a trace it was put in; absent when in none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    traceparent: Option<String>,
}

impl Entry {
    fn new(message: &Message) -> Self {
        let body = Binary {
            subtype: BinarySubtype::Generic,
            bytes: message.body.clone(),
        };
        Self {
            id: ObjectId::new(),
            message_id: message.id.clone(),
            kind: message.kind.clone(),
            body,
            put_at: DateTime::now(),
            lease_until: DateTime::MIN,
            round: None,
            traceparent: message.place.as_ref().map(ToString::to_string),
        }
    }

    fn message(&self) -> Message {
        Message {
            id: self.message_id.clone(),
            kind: self.kind.clone(),
            body: self.body.bytes.clone(),
            attempt: 0,
            place: self
                .traceparent
                .as_ref()
                .and_then(|place| place.parse().ok()),
        }
    }
}

impl Outbox {
    /// The outbox of a process, kept in its own database: the collection `outbox`.
    #[must_use]
    pub fn open(database: &Database) -> Self {
        Self {
            messages: database.collection(COLLECTION),
            nudged: Arc::default(),
        }
    }

    /// The index that finds the oldest messages, for a migration of the process.
    #[must_use]
    pub fn indexes() -> Indexes {
        let oldest_first = IndexModel::builder()
            .keys(doc! {"putAt": 1, "_id": 1, "leaseUntil": 1})
            .build();
        Indexes::of(COLLECTION, [oldest_first])
    }

    /// Puts a message in, as a part of the caller's transaction.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn put(&self, session: &mut ClientSession, message: &Message) -> Result<(), Error> {
        self.messages
            .insert_one(Entry::new(message))
            .session(session)
            .await?;
        Ok(())
    }

    /// Tells the relay of this process that something was committed. It would look by itself within
    /// a second.
    pub fn nudge(&self) {
        self.nudged.notify_one();
    }

    /// Until `shutdown`, sends what is in, oldest first, and what is in by then. Several processes may relay at once: each
    /// message is one relay's, and anybody's again when that relay died over it.
    pub async fn relay(self, publisher: Publisher, shutdown: CancellationToken) {
        let _told = size::told(&self);
        relay::run(&self, &publisher, &shutdown).await;
    }

    /// The oldest messages that are nobody's, if there are any.
    async fn oldest_free(&self) -> Result<Vec<ObjectId>, Error> {
        let ids: Collection<Document> = self.messages.clone_with_type();
        let oldest: Vec<Document> = ids
            .find(is_free())
            .sort(doc! {"putAt": 1, "_id": 1})
            .projection(doc! {"_id": 1})
            .limit(BATCH)
            .await?
            .try_collect()
            .await?;
        let id = |entry: &Document| entry.get_object_id("_id").ok();
        Ok(oldest.iter().filter_map(id).collect())
    }

    /// Makes those of `ids` the caller's that are nobody's still, and answers them, oldest first.
    async fn take(&self, ids: Vec<ObjectId>) -> Result<Vec<Entry>, Error> {
        let round = ObjectId::new();
        let mut free = is_free();
        free.insert("_id", doc! {"$in": &ids});
        let lease_until = DateTime::now().saturating_add_duration(LEASE);
        let mine = doc! {"$set": {"leaseUntil": lease_until, "round": round}};
        self.messages.update_many(free, mine).await?;
        let taken = doc! {"_id": {"$in": ids}, "round": round};
        let mut taken: Vec<Entry> = self.messages.find(taken).await?.try_collect().await?;
        taken.sort_by_key(|entry| (entry.put_at, entry.id));
        Ok(taken)
    }

    /// Forgets what was published.
    async fn forget(&self, published: &[ObjectId]) -> Result<(), Error> {
        let published = doc! {"_id": {"$in": published}};
        self.messages.delete_many(published).await?;
        Ok(())
    }

    /// Leaves what could not be published to whoever looks first.
    async fn give_back(&self, unpublished: &[ObjectId], round: ObjectId) -> Result<(), Error> {
        let mine = doc! {"_id": {"$in": unpublished}, "round": round};
        let free = doc! {"$set": {"leaseUntil": DateTime::MIN}};
        self.messages.update_many(mine, free).await?;
        Ok(())
    }
}

fn is_free() -> Document {
    doc! {"leaseUntil": {"$lt": DateTime::now()}}
}
