//! How often users bought and sold.

use std::collections::BTreeMap;

use bson::doc;
use bson::oid::ObjectId;
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::Transaction;

use super::Store;
use super::document::PurchaseDocument;
use super::ledger::Change;
use crate::domain::{Counts, Purchase};
use crate::error::Error;

impl Store {
    /// Counts a purchase. A repeat changes nothing.
    pub(crate) async fn record_purchase(
        &self,
        operation: &Operation,
        purchase: &Purchase,
    ) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .record_once(transaction.session(), operation, purchase)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn record_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        purchase: &Purchase,
    ) -> Result<(), Error> {
        self.fence.pass(session, operation).await?;
        match self.purchase(session, &operation.id).await? {
            Some(before) if before.forgotten => return Err(Error::Voided),
            Some(_) => return Ok(()),
            None => {}
        }
        let record = PurchaseDocument::new(operation, purchase);
        self.purchases
            .insert_one(record)
            .session(&mut *session)
            .await?;
        self.count(session, purchase.counts()).await
    }

    /// Undoes [`Self::record_purchase`]; when that never happened, it never will.
    pub(crate) async fn forget_purchase(
        &self,
        operation: &Operation,
        recorded: &str,
    ) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .forget_once(transaction.session(), operation, recorded)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn forget_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        recorded: &str,
    ) -> Result<(), Error> {
        self.fence.pass(session, operation).await?;
        let Some(before) = self.purchase(session, recorded).await? else {
            let never = PurchaseDocument::never(recorded, &operation.saga);
            self.purchases.insert_one(never).session(session).await?;
            return Ok(());
        };
        let Some(purchase) = before.counted() else {
            return Ok(());
        };
        self.purchases
            .update_one(doc! {"_id": recorded}, doc! {"$set": {"forgotten": true}})
            .session(&mut *session)
            .await?;
        let counts = purchase.counts().into_iter();
        let taken_back = counts.map(|(user_id, counts)| (user_id, counts.taken_back()));
        self.count(session, taken_back.collect()).await
    }

    async fn purchase(
        &self,
        session: &mut ClientSession,
        operation_id: &str,
    ) -> Result<Option<PurchaseDocument>, Error> {
        let this = doc! {"_id": operation_id};
        Ok(self.purchases.find_one(this).session(session).await?)
    }

    async fn count(
        &self,
        session: &mut ClientSession,
        counts: BTreeMap<ObjectId, Counts>,
    ) -> Result<(), Error> {
        let changes = counts.into_iter().map(|(user_id, counts)| {
            let change = Change {
                counts,
                ..Change::default()
            };
            (user_id, change)
        });
        self.change_users(session, &changes.collect()).await
    }
}
