//! Changes of a checkout: each in one transaction, those of sagas with their fence and their record.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::Transaction;

use super::Store;
use crate::domain::{Checkout, Refusal};
use crate::error::Error;

impl Store {
    /// Changes a checkout as `rule` says, and answers it as it is then.
    pub(crate) async fn change<R>(&self, id: ObjectId, rule: R) -> Result<Checkout, Error>
    where
        R: Fn(&mut Checkout) -> Result<(), Refusal>,
    {
        self.change_as(None, id, rule).await
    }

    /// A step of a saga: as [`Self::change`], and at most once for each operation. A repeat answers
    /// the checkout as it is now.
    pub(crate) async fn step<R>(
        &self,
        operation: &Operation,
        id: ObjectId,
        rule: R,
    ) -> Result<Checkout, Error>
    where
        R: Fn(&mut Checkout) -> Result<(), Refusal>,
    {
        self.change_as(Some(operation), id, rule).await
    }

    async fn change_as<R>(
        &self,
        operation: Option<&Operation>,
        id: ObjectId,
        rule: R,
    ) -> Result<Checkout, Error>
    where
        R: Fn(&mut Checkout) -> Result<(), Refusal>,
    {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .change_once(transaction.session(), operation, id, &rule)
                .await;
            if let Some(checkout) = transaction.settle(attempt).await? {
                return Ok(checkout);
            }
        }
    }

    async fn change_once<R>(
        &self,
        session: &mut ClientSession,
        operation: Option<&Operation>,
        id: ObjectId,
        rule: &R,
    ) -> Result<Checkout, Error>
    where
        R: Fn(&mut Checkout) -> Result<(), Refusal>,
    {
        if let Some(operation) = operation {
            self.fence.pass(session, operation).await?;
        }
        let this = doc! {"_id": id};
        let found = self.checkouts.find_one(this.clone());
        let before = found.session(&mut *session).await?.ok_or(Error::NotFound)?;
        let mut after = before.clone();
        if let Some(operation) = operation {
            if before.operations.contains(&operation.id) {
                return Ok(before);
            }
            after.operations.push(operation.id.clone());
        }
        rule(&mut after)?;
        if after != before {
            after.updated_at = DateTime::now();
            self.checkouts
                .replace_one(this, &after)
                .session(session)
                .await?;
        }
        Ok(after)
    }
}
