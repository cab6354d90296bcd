//! What every posting has in common: the record by which a repeat is told, and the sums that follow.

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use mongodb::ClientSession;
use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};

use super::Store;
use super::document::PostingDocument;
use crate::domain::{Movement, Posting};
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

    /// Carries a posting over to the sums of its users. Somebody who is not any more has none to
    /// carry it over to; the legs stay.
    ///
    /// Sellers are shared by many buyers, so this comes last in a transaction.
    pub(super) async fn carry_over(
        &self,
        session: &mut ClientSession,
        movements: &BTreeMap<ObjectId, Movement>,
    ) -> Result<(), Error> {
        for (user_id, movement) in movements {
            self.users
                .update_one(doc! {"_id": user_id}, movement_update(movement))
                .session(&mut *session)
                .await
                .map_err(or_overflow)?;
        }
        Ok(())
    }
}

fn movement_update(movement: &Movement) -> Document {
    doc! {
        "$inc": {
            "balanceCents": movement.balance_cents,
            "amountGainedCents": movement.gained_cents,
            "amountSpentCents": movement.spent_cents,
        },
        "$set": {"updatedAt": DateTime::now()},
    }
}

fn or_overflow(error: DriverError) -> Error {
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(write)) if write.code == BAD_VALUE => {
            Error::AccountOverflows
        }
        ErrorKind::Command(command) if command.code == BAD_VALUE => Error::AccountOverflows,
        _ => error.into(),
    }
}
