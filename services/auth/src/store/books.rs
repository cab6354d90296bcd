//! What sagas write into the books of many users at once: each group of entries in one transaction.

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::{Group, Together, Transaction};

use super::Store;
use super::document::{PostingDocument, PurchaseDocument};
use super::ledger::Change;
use crate::domain::{Posting, Purchase};
use crate::error::Error;

/// One entry, at most once for its operation.
#[derive(Clone, Debug)]
struct BookEntry {
    operation: Operation,
    content: Content,
}

/// What is written.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// A sale or a refund. The money has moved already, so no balance is asked for.
    Transfer(Posting),
    /// That somebody bought something.
    Purchase(Purchase),
}

/// Writes entries, those that are asked for at the same time together.
pub(crate) struct Books(Group<Work>);

struct Work(Store);

impl Books {
    pub(crate) fn start(store: Store) -> Self {
        Self(Group::start(Work(store)))
    }

    /// Writes an entry. A repeat changes nothing.
    pub(crate) async fn write(&self, operation: Operation, content: Content) -> Result<(), Error> {
        self.0.submit(BookEntry { operation, content }).await
    }
}

impl Together for Work {
    type Job = BookEntry;
    type Answer = ();
    type Error = Error;

    async fn together(&self, entries: &[BookEntry]) -> Result<Vec<()>, Error> {
        self.0.write_all(entries).await?;
        Ok(vec![(); entries.len()])
    }

    async fn alone(&self, entry: &BookEntry) -> Result<(), Error> {
        match &entry.content {
            Content::Transfer(posting) => self.0.post_transfer(&entry.operation, posting).await,
            Content::Purchase(purchase) => self.0.record_purchase(&entry.operation, purchase).await,
        }
    }
}

impl Store {
    /// Writes all entries, or none when any is a repeat.
    async fn write_all(&self, entries: &[BookEntry]) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.write_all_once(transaction.session(), entries).await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn write_all_once(
        &self,
        session: &mut ClientSession,
        entries: &[BookEntry],
    ) -> Result<(), Error> {
        let operations = entries.iter().map(|entry| &entry.operation);
        self.fence.pass_all(session, operations).await?;
        let (mut postings, mut purchases) = (Vec::new(), Vec::new());
        for BookEntry { operation, content } in entries {
            match content {
                Content::Transfer(posting) => {
                    postings.push(PostingDocument::of_saga(operation, posting));
                }
                Content::Purchase(purchase) => {
                    purchases.push(PurchaseDocument::new(operation, purchase));
                }
            }
        }
        if !postings.is_empty() {
            self.postings
                .insert_many(postings)
                .session(&mut *session)
                .await?;
        }
        if !purchases.is_empty() {
            self.purchases
                .insert_many(purchases)
                .session(&mut *session)
                .await?;
        }
        self.change_users(session, &changes(entries)).await
    }
}

/// What all entries change, once for each user.
fn changes(entries: &[BookEntry]) -> BTreeMap<ObjectId, Change> {
    let mut changes: BTreeMap<ObjectId, Change> = BTreeMap::new();
    for entry in entries {
        match &entry.content {
            Content::Transfer(posting) => {
                for (user_id, movement) in posting.movements() {
                    changes.entry(user_id).or_default().movement += movement;
                }
            }
            Content::Purchase(purchase) => {
                for (user_id, counts) in purchase.counts() {
                    changes.entry(user_id).or_default().counts += counts;
                }
            }
        }
    }
    changes
}
