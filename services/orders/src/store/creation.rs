//! What sagas do to orders: each effect in one transaction with its fence and its record.

use bson::{Document, doc};
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::{Group, Together, Transaction};

use super::Store;
use super::document::{CreationDocument, OrderDocument};
use crate::domain::{CheckoutId, NewOrder, Order, products};
use crate::error::Error;

/// One order that is to be made.
#[derive(Clone, Debug)]
struct Creation {
    operation: Operation,
    order: NewOrder,
}

/// Makes orders, those that are asked for at the same time together.
pub(crate) struct Creations(Group<Work>);

struct Work(Store);

impl Creations {
    pub(crate) fn start(store: Store) -> Self {
        Self(Group::start(Work(store)))
    }

    /// Makes the one order of a checkout. A repeat answers the order that was made.
    pub(crate) async fn create(
        &self,
        operation: Operation,
        order: NewOrder,
    ) -> Result<Order, Error> {
        self.0.submit(Creation { operation, order }).await
    }
}

impl Together for Work {
    type Job = Creation;
    type Answer = Order;
    type Error = Error;

    async fn together(&self, jobs: &[Creation]) -> Result<Vec<Order>, Error> {
        self.0.create_all(jobs).await
    }

    async fn alone(&self, job: &Creation) -> Result<Order, Error> {
        self.0.create(job).await
    }
}

impl Store {
    /// Makes the one order of each checkout, or none when any is a repeat.
    async fn create_all(&self, jobs: &[Creation]) -> Result<Vec<Order>, Error> {
        let orders = jobs
            .iter()
            .map(|job| OrderDocument::paid(&job.operation.id, &job.order));
        let orders: Vec<OrderDocument> = orders.collect();
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .create_all_once(transaction.session(), jobs, &orders)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(orders.into_iter().map(Order::from).collect());
            }
        }
    }

    async fn create_all_once(
        &self,
        session: &mut ClientSession,
        jobs: &[Creation],
        orders: &[OrderDocument],
    ) -> Result<(), Error> {
        let operations = jobs.iter().map(|job| &job.operation);
        self.fence.pass_all(session, operations).await?;
        self.insert(session, orders).await
    }

    /// Makes the one order of a checkout, or finds it made.
    async fn create(&self, job: &Creation) -> Result<Order, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.create_once(transaction.session(), job).await;
            if let Some(created) = transaction.settle(attempt).await? {
                return Ok(created);
            }
        }
    }

    async fn create_once(
        &self,
        session: &mut ClientSession,
        job: &Creation,
    ) -> Result<Order, Error> {
        let Creation { operation, order } = job;
        self.fence.pass(session, operation).await?;
        let of_either = either(order.checkout_id.text(), &operation.id);
        if let Some(creation) = self.creation(session, of_either).await? {
            return self.created(session, &creation).await;
        }
        let paid = OrderDocument::paid(&operation.id, order);
        self.insert(session, std::slice::from_ref(&paid)).await?;
        Ok(paid.into())
    }

    async fn insert(
        &self,
        session: &mut ClientSession,
        orders: &[OrderDocument],
    ) -> Result<(), Error> {
        let creations = orders.iter().map(CreationDocument::of);
        self.creations
            .insert_many(creations)
            .session(&mut *session)
            .await?;
        self.orders
            .insert_many(orders)
            .session(&mut *session)
            .await?;
        self.count_in(session, orders).await
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
