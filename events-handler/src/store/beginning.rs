//! Events that are taken in: each with the saga that it starts, those of the same moment together.

use bson::doc;
use mongodb::ClientSession;
use reen_messaging::{Event, Inbox, Noted};
use reen_mongo::{Collection, Database, Together, Transaction};

use super::document::Saga;
use crate::error::Error;

/// Of an event, and of a saga's key, only the first counts.
#[derive(Clone, Debug)]
pub(super) struct Beginning {
    pub(super) event: Event,
    pub(super) saga: Saga,
}

/// Stores beginnings, and answers of each whether its saga is new.
pub(super) struct Beginnings {
    pub(super) database: Database,
    pub(super) inbox: Inbox,
    pub(super) sagas: Collection<Saga>,
}

impl Together for Beginnings {
    type Job = Beginning;
    type Answer = bool;
    type Error = Error;

    async fn together(&self, beginnings: &[Beginning]) -> Result<Vec<bool>, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.begin_all(transaction.session(), beginnings).await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(vec![true; beginnings.len()]);
            }
        }
    }

    async fn alone(&self, beginning: &Beginning) -> Result<bool, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.begin(transaction.session(), beginning).await;
            if let Some(is_new) = transaction.settle(attempt).await? {
                return Ok(is_new);
            }
        }
    }
}

impl Beginnings {
    /// Stores all of them, or none when any event or saga is known.
    async fn begin_all(
        &self,
        session: &mut ClientSession,
        beginnings: &[Beginning],
    ) -> Result<(), Error> {
        let noted = beginnings
            .iter()
            .map(|Beginning { event, saga }| (event, Noted::For(&saga.id)));
        self.inbox.note_new(session, noted).await?;
        let sagas = beginnings.iter().map(|beginning| &beginning.saga);
        let stored = self.sagas.insert_many(sagas).session(session).await;
        stored.map_err(reen_mongo::Error::from)?;
        Ok(())
    }

    /// Answers whether the saga is new.
    async fn begin(
        &self,
        session: &mut ClientSession,
        Beginning { event, saga }: &Beginning,
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
}
