//! What sagas do to a cart: each effect in one transaction with its fence and its record.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::Transaction;

use super::Store;
use super::document::{TakenDocument, TakenLine};
use super::takings::Taking;
use crate::domain::MOST_PIECES;
use crate::error::Error;

impl Store {
    /// Takes out what was bought. A repeat changes nothing.
    pub(super) async fn take_out(&self, taking: &Taking) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.take_out_once(transaction.session(), taking).await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn take_out_once(
        &self,
        session: &mut ClientSession,
        taking: &Taking,
    ) -> Result<(), Error> {
        self.fence.pass(session, &taking.operation).await?;
        match self.taken_by(session, &taking.operation.id).await? {
            Some(taken) if taken.undone => return Err(Error::Voided),
            Some(_) => return Ok(()),
            None => {}
        }
        let these = std::slice::from_ref(taking);
        let mut baskets = self.baskets(session, these).await?;
        let record = baskets.take(taking);
        self.put_down(session, &baskets).await?;
        self.taken.insert_one(record).session(session).await?;
        Ok(())
    }

    /// Undoes [`Self::take_out`]; when that never happened, it never will.
    pub(crate) async fn put_back(
        &self,
        operation: &Operation,
        take_operation_id: &str,
    ) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .put_back_once(transaction.session(), operation, take_operation_id)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn put_back_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        take_operation_id: &str,
    ) -> Result<(), Error> {
        self.fence.pass(session, operation).await?;
        let Some(taken) = self.taken_by(session, take_operation_id).await? else {
            let never = TakenDocument::never(take_operation_id);
            self.taken.insert_one(never).session(session).await?;
            return Ok(());
        };
        if let (false, Some(user_id)) = (taken.undone, taken.user_id) {
            self.return_lines(session, user_id, &taken.lines).await?;
            let this = doc! {"_id": &taken.id};
            self.taken
                .update_one(this, doc! {"$set": {"undone": true}})
                .session(session)
                .await?;
        }
        Ok(())
    }

    /// Empties the cart of a user who leaves. A repeat changes nothing.
    pub(crate) async fn empty(
        &self,
        operation: &Operation,
        user_id: ObjectId,
    ) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .empty_once(transaction.session(), operation, user_id)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn empty_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        user_id: ObjectId,
    ) -> Result<(), Error> {
        self.fence.pass(session, operation).await?;
        if self.taken_by(session, &operation.id).await?.is_some() {
            return Ok(());
        }
        self.items
            .delete_many(doc! {"userId": user_id})
            .session(&mut *session)
            .await?;
        // Nothing is kept of it: a cart that was emptied is never put back.
        let record = TakenDocument::of(operation, user_id, Vec::new());
        self.taken.insert_one(record).session(session).await?;
        Ok(())
    }

    async fn taken_by(
        &self,
        session: &mut ClientSession,
        operation_id: &str,
    ) -> Result<Option<TakenDocument>, Error> {
        Ok(self
            .taken
            .find_one(doc! {"_id": operation_id})
            .session(session)
            .await?)
    }

    async fn return_lines(
        &self,
        session: &mut ClientSession,
        user_id: ObjectId,
        lines: &[TakenLine],
    ) -> Result<(), Error> {
        let now = DateTime::now();
        for line in lines {
            let key = doc! {"userId": user_id, "productId": line.product_id};
            let sum = doc! {"$add": [{"$ifNull": ["$quantity", 0_i64]}, line.quantity]};
            let returned = doc! {"$set": {
                "_id": {"$ifNull": ["$_id", ObjectId::new()]},
                "quantity": {"$min": [sum, MOST_PIECES]},
                "createdAt": {"$ifNull": ["$createdAt", now]},
                "updatedAt": now,
            }};
            self.items
                .update_one(key, vec![returned])
                .upsert(true)
                .session(&mut *session)
                .await?;
        }
        Ok(())
    }
}
