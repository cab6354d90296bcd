//! What sagas do to orders: each effect in one transaction with its fence and its record.

use bson::{Document, doc};
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::Transaction;

use super::Store;
use super::document::{CreationDocument, OrderDocument};
use crate::domain::{CheckoutId, NewOrder, Order, products};
use crate::error::Error;

impl Store {
    /// Makes the one order of a checkout. A repeat answers the order that was made.
    pub(crate) async fn create(
        &self,
        operation: &Operation,
        order: &NewOrder,
    ) -> Result<Order, Error> {
        let _turn = self.lanes.enter(products(&order.lines)).await;
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .create_once(transaction.session(), operation, order)
                .await;
            if let Some(created) = transaction.settle(attempt).await? {
                return Ok(created);
            }
        }
    }

    async fn create_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        order: &NewOrder,
    ) -> Result<Order, Error> {
        self.fence.pass(session, operation).await?;
        let of_either = either(order.checkout_id.text(), &operation.id);
        if let Some(creation) = self.creation(session, of_either).await? {
            return self.created(session, &creation).await;
        }
        let paid = OrderDocument::paid(&operation.id, order);
        self.creations
            .insert_one(CreationDocument::of(&paid))
            .session(&mut *session)
            .await?;
        self.orders.insert_one(&paid).session(&mut *session).await?;
        self.count_in(session, &products(&paid.lines)).await?;
        Ok(paid.into())
    }

    async fn created(
        &self,
        session: &mut ClientSession,
        creation: &CreationDocument,
    ) -> Result<Order, Error> {
        let order_id = creation.order_id.ok_or(Error::Voided)?;
        let found = self.orders.find_one(doc! {"_id": order_id});
        let order = found.session(session).await?;
        order.map(Order::from).ok_or(Error::OrderLost)
    }

    /// Undoes [`Self::create`]; when that never happened, it never will.
    pub(crate) async fn withdraw(
        &self,
        operation: &Operation,
        checkout_id: &CheckoutId,
    ) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .withdraw_once(transaction.session(), operation, checkout_id)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn withdraw_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        checkout_id: &CheckoutId,
    ) -> Result<(), Error> {
        self.fence.pass(session, operation).await?;
        let this = doc! {"_id": checkout_id.text()};
        let Some(creation) = self.creation(session, this.clone()).await? else {
            let never = CreationDocument::never(checkout_id);
            self.creations.insert_one(never).session(session).await?;
            return Ok(());
        };
        let Some(order_id) = creation.order_id else {
            return Ok(());
        };
        self.creations
            .update_one(this, doc! {"$unset": {"orderId": true}})
            .session(&mut *session)
            .await?;
        let order = self
            .orders
            .find_one_and_delete(doc! {"_id": order_id})
            .session(&mut *session)
            .await?
            .ok_or(Error::OrderLost)?;
        self.count_out(session, &products(&order.lines)).await
    }

    async fn creation(
        &self,
        session: &mut ClientSession,
        filter: Document,
    ) -> Result<Option<CreationDocument>, Error> {
        Ok(self.creations.find_one(filter).session(session).await?)
    }
}

/// The record of a checkout, or of the operation if it had its one effect elsewhere.
pub(super) fn either(checkout_id: &str, operation_id: &str) -> Document {
    doc! {"$or": [{"_id": checkout_id}, {"operationId": operation_id}]}
}
