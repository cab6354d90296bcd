use std::fmt;
use std::time::Duration;

use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{ClientSession, IndexModel};
use reen_mongo::{Collection, Database, Error, Indexes};

const COLLECTION: &str = "inbox";
/// Providers repeat an event for days, not for months.
const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// An event as a provider sent it.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// Who sent it, e.g. `stripe`.
    pub provider: String,
    /// Unique among the events of its provider.
    pub id: String,
    /// The provider's word for what happened.
    pub kind: String,
    /// The bytes that were signed.
    pub body: Vec<u8>,
}

/// Without the body, which may be about people.
impl fmt::Debug for Event {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Event")
            .field("provider", &self.provider)
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted<'noted> {
    /// It belongs to the saga of this id.
    For(&'noted str),
    /// It asks for nothing, and why.
    Ignored(&'noted str),
}

/// The events that were taken in, each once, as they came.
///
/// An event is noted in the transaction that stores its effect: either both are there or neither,
/// and a repeat finds the event and changes nothing.
#[derive(Clone, Debug)]
pub struct Inbox {
    events: Collection<Document>,
}

impl Inbox {
    /// The inbox of a process, kept in its own database: the collection `inbox`, which forgets after
    /// 90 days.
    #[must_use]
    pub fn open(database: &Database) -> Self {
        Self {
            events: database.collection(COLLECTION),
        }
    }

    /// The index that forgets, for a migration of the process.
    #[must_use]
    pub fn indexes() -> Indexes {
        let forget = IndexOptions::builder().expire_after(KEPT_FOR).build();
        let by_age = IndexModel::builder()
            .keys(doc! {"receivedAt": 1})
            .options(forget)
            .build();
        Indexes::of(COLLECTION, [by_age])
    }

    /// Notes an event, in the transaction of what it starts, and answers whether it is new. `false`:
    /// it was here before, and what became of it then stands.
    ///
    /// # Errors
    /// When the database fails. Two transactions that note the same event at the same time conflict,
    /// and one is sent back to its beginning, where it finds the other's.
    pub async fn note(
        &self,
        session: &mut ClientSession,
        event: &Event,
        noted: Noted<'_>,
    ) -> Result<bool, Error> {
        let this = doc! {"_id": key_of(event)};
        let unless_known = doc! {"$setOnInsert": document(event, noted)};
        let noted = self
            .events
            .update_one(this, unless_known)
            .upsert(true)
            .session(session)
            .await?;
        Ok(noted.upserted_id.is_some())
    }

    /// Notes events that are taken to be new, in the transaction of what they start.
    ///
    /// # Errors
    /// When the database fails; a duplicate key when one of them was here before.
    pub async fn note_new<'event>(
        &self,
        session: &mut ClientSession,
        events: impl IntoIterator<Item = (&'event Event, Noted<'event>)>,
    ) -> Result<(), Error> {
        let new = events.into_iter().map(|(event, noted)| new(event, noted));
        let new: Vec<Document> = new.collect();
        self.events.insert_many(new).session(session).await?;
        Ok(())
    }

    /// How many events there are, as good as the server knows without counting them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn estimated_count(&self) -> Result<u64, Error> {
        Ok(self.events.estimated_document_count().await?)
    }

    /// Notes an event that starts nothing, without a transaction, and answers whether it is new.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_alone(&self, event: &Event, noted: Noted<'_>) -> Result<bool, Error> {
        match self
            .events
            .insert_one(new(event, noted))
            .await
            .map_err(Error::from)
        {
            Ok(_) => Ok(true),
            Err(error) if error.is_duplicate_key() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn key_of(event: &Event) -> String {
    format!("{}:{}", event.provider, event.id)
}

fn new(event: &Event, noted: Noted<'_>) -> Document {
    let mut new = doc! {"_id": key_of(event)};
    new.extend(document(event, noted));
    new
}

fn document(event: &Event, noted: Noted<'_>) -> Document {
    let body = Binary {
        subtype: BinarySubtype::Generic,
        bytes: event.body.clone(),
    };
    let mut document = doc! {"kind": &event.kind, "body": body, "receivedAt": DateTime::now()};
    match noted {
        Noted::For(saga_id) => document.insert("sagaId", saga_id),
        Noted::Ignored(why) => document.insert("ignored", why),
    };
    document
}
