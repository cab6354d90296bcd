use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;

use super::Store;
use super::document::{FeeDocument, FeeState};
use crate::domain::Fee;
use crate::error::Error;

impl Store {
    /// Records a fee before it is charged, so that a crash is found afterwards. One that is on record, by
    /// a process that died, is gone on with unless it was given back since.
    pub(crate) async fn owe(&self, fee: &Fee) -> Result<(), Error> {
        let owed = self.fees.insert_one(FeeDocument::owed(fee)).await;
        match owed.map_err(reen_mongo::Error::from) {
            Ok(_) => Ok(()),
            Err(error) if error.is_duplicate_key() => self.still_owe(fee).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn still_owe(&self, fee: &Fee) -> Result<(), Error> {
        let owed = FeeState::Owed.word();
        let same = doc! {"_id": &fee.id, "state": owed, "amountCents": fee.amount_cents};
        let found = self.fees.find_one(same).await?;
        found.map(drop).ok_or(Error::FeeGivenUp)
    }

    /// Marks, with what the fee was for, that it is there.
    pub(super) async fn settle(&self, session: &mut ClientSession, fee: &Fee) -> Result<(), Error> {
        let owed = doc! {"_id": &fee.id, "state": FeeState::Owed.word()};
        let settled = doc! {"$set": {"state": FeeState::Settled.word()}};
        let outcome = self.fees.update_one(owed, settled).session(session).await?;
        if outcome.matched_count == 0 {
            return Err(Error::FeeGivenUp);
        }
        Ok(())
    }

    /// Gives a fee up, so that what it is for can no longer come; false when that is there already
    /// or the fee was given back.
    pub(crate) async fn give_up(&self, fee_id: &str) -> Result<bool, Error> {
        let open = doc! {"_id": fee_id, "state": {"$in": open_states()}};
        let reversing = doc! {"$set": {"state": FeeState::Reversing.word()}};
        Ok(self.fees.update_one(open, reversing).await?.matched_count > 0)
    }

    /// Marks that a fee was given back.
    pub(crate) async fn undone(&self, fee_id: &str) -> Result<(), Error> {
        let reversing = doc! {"_id": fee_id, "state": FeeState::Reversing.word()};
        let undone = doc! {"$set": {"state": FeeState::Undone.word()}};
        self.fees.update_one(reversing, undone).await?;
        Ok(())
    }

    /// The ids of fees that were left open before `moment`, oldest first.
    pub(crate) async fn fees_left_open(
        &self,
        moment: DateTime,
        limit: i64,
    ) -> Result<Vec<String>, Error> {
        let oldest_first = self
            .fees
            .find(open_before(moment))
            .sort(doc! {"createdAt": 1})
            .limit(limit)
            .await?;
        Ok(oldest_first.map_ok(|fee| fee.id).try_collect().await?)
    }
}

pub(super) fn open_before(moment: DateTime) -> Document {
    doc! {"state": {"$in": open_states()}, "createdAt": {"$lt": moment}}
}

fn open_states() -> [&'static str; 2] {
    [FeeState::Owed.word(), FeeState::Reversing.word()]
}
