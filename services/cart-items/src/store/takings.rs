//! What sagas take out of the carts of many users at the same time, in one transaction.

use std::collections::HashMap;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::{Group, Together, Transaction, update_each};

use super::Store;
use super::document::{ItemDocument, TakenDocument, TakenLine};
use crate::domain::{BoughtLine, pieces_to_take};
use crate::error::Error;

/// What somebody bought and is to be taken out of the cart.
#[derive(Clone, Debug)]
pub(super) struct Taking {
    pub(super) operation: Operation,
    pub(super) user_id: ObjectId,
    pub(super) lines: Vec<BoughtLine>,
}

/// Takes out what was bought, what is asked for at the same time together.
pub(crate) struct Takings(Group<Work>);

struct Work(Store);

impl Takings {
    pub(crate) fn start(store: Store) -> Self {
        Self(Group::start(Work(store)))
    }

    /// Takes out what was bought. A repeat changes nothing.
    pub(crate) async fn take_out(
        &self,
        operation: Operation,
        user_id: ObjectId,
        lines: Vec<BoughtLine>,
    ) -> Result<(), Error> {
        let taking = Taking {
            operation,
            user_id,
            lines,
        };
        self.0.submit(taking).await
    }
}

impl Together for Work {
    type Job = Taking;
    type Answer = ();
    type Error = Error;

    async fn together(&self, takings: &[Taking]) -> Result<Vec<()>, Error> {
        self.0.take_out_all(takings).await?;
        Ok(vec![(); takings.len()])
    }

    async fn alone(&self, taking: &Taking) -> Result<(), Error> {
        self.0.take_out(taking).await
    }
}

/// The items of some carts, as they become taking by taking.
pub(super) struct Baskets(HashMap<(ObjectId, ObjectId), Item>);

struct Item {
    id: ObjectId,
    before: i64,
    left: i64,
}

impl Baskets {
    pub(super) fn take(&mut self, taking: &Taking) -> TakenDocument {
        let mut taken = Vec::with_capacity(taking.lines.len());
        for line in &taking.lines {
            let Some(item) = self.0.get_mut(&(taking.user_id, line.product_id)) else {
                continue;
            };
            let quantity = pieces_to_take(item.left, line.quantity);
            if quantity == 0 {
                continue;
            }
            item.left -= quantity;
            taken.push(TakenLine {
                product_id: line.product_id,
                quantity,
            });
        }
        TakenDocument::of(&taking.operation, taking.user_id, taken)
    }
}

impl Store {
    /// Takes out what each of them bought, or nothing when any is a repeat.
    async fn take_out_all(&self, takings: &[Taking]) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.take_out_all_once(transaction.session(), takings).await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn take_out_all_once(
        &self,
        session: &mut ClientSession,
        takings: &[Taking],
    ) -> Result<(), Error> {
        let operations = takings.iter().map(|taking| &taking.operation);
        self.fence.pass_all(session, operations).await?;
        let mut baskets = self.baskets(session, takings).await?;
        let records = takings.iter().map(|taking| baskets.take(taking));
        let records: Vec<TakenDocument> = records.collect();
        self.put_down(session, &baskets).await?;
        self.taken.insert_many(records).session(session).await?;
        Ok(())
    }

    /// What is in the carts of what was bought.
    pub(super) async fn baskets(
        &self,
        session: &mut ClientSession,
        takings: &[Taking],
    ) -> Result<Baskets, Error> {
        let bought = takings.iter().map(bought).collect::<Vec<_>>();
        let these = doc! {"$or": bought};
        let mut cursor = self.items.find(these).session(&mut *session).await?;
        let items = cursor.stream(session).map_ok(|item: ItemDocument| {
            let counted = Item {
                id: item.id,
                before: item.quantity,
                left: item.quantity,
            };
            ((item.user_id, item.product_id), counted)
        });
        Ok(Baskets(items.try_collect().await?))
    }

    /// Writes what is left in the carts.
    pub(super) async fn put_down(
        &self,
        session: &mut ClientSession,
        baskets: &Baskets,
    ) -> Result<(), Error> {
        let now = DateTime::now();
        let (mut emptied, mut fewer) = (Vec::new(), Vec::new());
        for item in baskets.0.values() {
            if item.left == 0 {
                emptied.push(item.id);
            } else if item.left != item.before {
                let change = item.left - item.before;
                let update = doc! {"$inc": {"quantity": change}, "$set": {"updatedAt": now}};
                fewer.push(doc! {"q": {"_id": item.id}, "u": update});
            }
        }
        update_each(session, &self.items, fewer).await?;
        if !emptied.is_empty() {
            let emptied = doc! {"_id": {"$in": emptied}};
            self.items.delete_many(emptied).session(session).await?;
        }
        Ok(())
    }
}

fn bought(taking: &Taking) -> Document {
    let products = taking.lines.iter().map(|line| line.product_id);
    doc! {"userId": taking.user_id, "productId": {"$in": products.collect::<Vec<_>>()}}
}
