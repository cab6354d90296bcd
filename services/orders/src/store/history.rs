//! Orders as their buyers and sellers see them.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;
use mongodb::options::ReturnDocument;
use reen_mongo::Claim;

use super::Store;
use crate::domain::{Listed, Order, Page, Start, Status};
use crate::error::Error;

impl Store {
    /// One page of what the user bought.
    pub(crate) async fn bought_by(
        &self,
        user_id: ObjectId,
        page: Page,
    ) -> Result<Listed<Order>, Error> {
        self.page(buyer(user_id), page).await
    }

    /// One page of the orders of others in which the user has a line.
    pub(crate) async fn sold_by(
        &self,
        seller_id: ObjectId,
        page: Page,
    ) -> Result<Listed<Order>, Error> {
        self.page(seller_to_others(seller_id), page).await
    }

    async fn page(&self, wanted: Document, page: Page) -> Result<Listed<Order>, Error> {
        match page.start {
            Start::Skip(skip) => {
                let counting = async { Ok(self.orders.count(wanted.clone()).await?) };
                let reading = self.newest(wanted.clone(), skip, page.limit);
                let (items, total) = futures::try_join!(reading, counting)?;
                Ok(Listed {
                    items,
                    total,
                    next: None,
                })
            }
            Start::Behind(after) => {
                let wanted = behind(wanted, after);
                let found = self.newest(wanted, 0, page.limit + 1).await?;
                Ok(Listed::cut(found, page.limit, |order| order.id))
            }
        }
    }

    async fn newest(&self, wanted: Document, skip: u64, limit: i64) -> Result<Vec<Order>, Error> {
        let orders = self
            .orders
            .find(wanted)
            .sort(newest_first())
            .skip(skip)
            .limit(limit)
            .await?;
        Ok(orders.map_ok(Order::from).try_collect().await?)
    }

    pub(crate) async fn find_bought(
        &self,
        user_id: ObjectId,
        id: ObjectId,
    ) -> Result<Option<Order>, Error> {
        Ok(self
            .orders
            .find_one(bought(user_id, id))
            .await?
            .map(Order::from))
    }

    pub(crate) async fn find_sold(
        &self,
        seller_id: ObjectId,
        id: ObjectId,
    ) -> Result<Option<Order>, Error> {
        Ok(self
            .orders
            .find_one(sold(seller_id, id))
            .await?
            .map(Order::from))
    }

    /// Gives an order this status unless it changed since it was read: [`Error::Overtaken`].
    pub(crate) async fn advance(
        &self,
        seller_id: ObjectId,
        read: &Order,
        wanted: Status,
        claim: &Claim<Order>,
    ) -> Result<Order, Error> {
        let mut write = claim.begin(&self.database).await?;
        loop {
            let attempt = self.advance_once(write.session(), seller_id, read, wanted);
            let attempt = attempt.await;
            if let Some(order) = write.settle(attempt).await? {
                return Ok(order);
            }
        }
    }

    async fn advance_once(
        &self,
        session: Option<&mut ClientSession>,
        seller_id: ObjectId,
        read: &Order,
        wanted: Status,
    ) -> Result<Order, Error> {
        let change = doc! {"$set": {"status": wanted.word(), "updatedAt": DateTime::now()}};
        let mut advancing = self
            .orders
            .find_one_and_update(sold_in(seller_id, read.id, read.status), change)
            .return_document(ReturnDocument::After);
        if let Some(session) = session {
            advancing = advancing.session(session);
        }
        let advanced = advancing.await?;
        advanced.map(Order::from).ok_or(Error::Overtaken)
    }
}

pub(super) fn newest_first() -> Document {
    doc! {"_id": -1}
}

/// Those of `wanted` that are older than `after`.
pub(super) fn behind(mut wanted: Document, after: Option<ObjectId>) -> Document {
    if let Some(after) = after {
        wanted.insert("_id", doc! {"$lt": after});
    }
    wanted
}

pub(super) fn buyer(user_id: ObjectId) -> Document {
    doc! {"userId": user_id}
}

pub(super) fn seller_to_others(seller_id: ObjectId) -> Document {
    doc! {"sellerIds": seller_id, "userId": {"$ne": seller_id}}
}

pub(super) fn bought(user_id: ObjectId, id: ObjectId) -> Document {
    doc! {"_id": id, "userId": user_id}
}

pub(super) fn sold(seller_id: ObjectId, id: ObjectId) -> Document {
    doc! {"_id": id, "sellerIds": seller_id}
}

pub(super) fn sold_in(seller_id: ObjectId, id: ObjectId, status: Status) -> Document {
    doc! {"_id": id, "sellerIds": seller_id, "status": status.word()}
}
