//! What every posting has in common: the record by which a repeat is told, and the sums that follow.

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use mongodb::ClientSession;
use mongodb::error::{ErrorKind, WriteFailure};
use reen_mongo::update_each;

use super::Store;
use super::document::PostingDocument;
use crate::domain::{Counts, Movement, Posting};
use crate::error::Error;

/// What MongoDB answers when a sum would be more than 64 bits hold.
const BAD_VALUE: i32 = 2;

impl Store {
    /// What an operation posted already, when this is a repeat of it.
    pub(super) async fn posted_before(
        &self,
        session: &mut ClientSession,
        operation_id: &str,
        posting: &Posting,
    ) -> Result<Option<PostingDocument>, Error> {
        let Some(before) = self.posting(session, operation_id).await? else {
            return Ok(None);
        };
        if before.void || before.reversed {
            return Err(Error::Voided);
        }
        if before.posting()? != *posting {
            return Err(Error::OperationTaken);
        }
        Ok(Some(before))
    }

    pub(super) async fn posting(
        &self,
        session: &mut ClientSession,
        id: &str,
    ) -> Result<Option<PostingDocument>, Error> {
        let this = doc! {"_id": id};
        Ok(self.postings.find_one(this).session(session).await?)
    }

    pub(super) async fn insert_posting(
        &self,
        session: &mut ClientSession,
        posting: PostingDocument,
    ) -> Result<(), Error> {
        match self.postings.insert_one(posting).session(session).await {
            Ok(_) => Ok(()),
            Err(error) => match reen_mongo::Error::from(error) {
                taken if taken.is_duplicate_key() => Err(Error::OperationTaken),
                failed => Err(failed.into()),
            },
        }
    }

    /// Carries a posting over to the sums of its users.
    pub(super) async fn carry_over(
        &self,
        session: &mut ClientSession,
        posting: &Posting,
    ) -> Result<(), Error> {
        let changes = posting.movements().into_iter().map(|(user_id, movement)| {
            let change = Change {
                movement,
                ..Change::default()
            };
            (user_id, change)
        });
        self.change_users(session, &changes.collect()).await
    }

    /// Changes the sums of users, in the order of their ids. Somebody who is not any more has none to
    /// change; what was posted stays.
    ///
    /// Sellers are shared by many buyers, so this comes last in a transaction.
    pub(super) async fn change_users(
        &self,
        session: &mut ClientSession,
        changes: &BTreeMap<ObjectId, Change>,
    ) -> Result<(), Error> {
        let now = DateTime::now();
        let statements = changes
            .iter()
            .map(|(user_id, change)| doc! {"q": {"_id": user_id}, "u": change.update(now)});
        let changed = update_each(session, &self.users, statements.collect()).await;
        changed.map_err(or_overflow)?;
        Ok(())
    }
}

/// What entries change of what is shown of one user.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    pub(super) movement: Movement,
    pub(super) counts: Counts,
}

impl Change {
    fn update(&self, now: DateTime) -> Document {
        doc! {
            "$inc": {
                "balanceCents": self.movement.balance_cents,
                "amountGainedCents": self.movement.gained_cents,
                "amountSpentCents": self.movement.spent_cents,
                "purchasesCount": self.counts.purchases,
                "salesCount": self.counts.sales,
            },
            "$set": {"updatedAt": now},
        }
    }
}

fn or_overflow(error: reen_mongo::Error) -> Error {
    match error.driver().map(|error| &*error.kind) {
        Some(ErrorKind::Write(WriteFailure::WriteError(write))) if write.code == BAD_VALUE => {
            Error::AccountOverflows
        }
        _ => error.into(),
    }
}
