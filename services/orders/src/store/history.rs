//! Orders as their buyers and sellers see them.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::options::ReturnDocument;

use super::Store;
use crate::domain::{Order, Page, Status};
use crate::error::Error;

impl Store {
    /// One page of what the user bought, and how many orders there are on all of them.
    pub(crate) async fn bought_by(
        &self,
        user_id: ObjectId,
        page: Page,
    ) -> Result<(Vec<Order>, u64), Error> {
        self.page(buyer(user_id), page).await
    }

    /// One page of the orders of others in which the user has a line, and how many there are.
    pub(crate) async fn sold_by(
        &self,
        seller_id: ObjectId,
        page: Page,
    ) -> Result<(Vec<Order>, u64), Error> {
        self.page(seller_to_others(seller_id), page).await
    }

    async fn page(&self, wanted: Document, page: Page) -> Result<(Vec<Order>, u64), Error> {
        let counting = async { self.orders.count_documents(wanted.clone()).await };
        let reading = async {
            let orders = self
                .orders
                .find(wanted.clone())
                .sort(newest_first())
                .skip(page.skip)
                .limit(page.limit)
                .await?;
            orders.map_ok(Order::from).try_collect().await
        };
        Ok(futures::try_join!(reading, counting)?)
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

    /// Gives an order this status unless it changed since it was read; answers `None` then.
    pub(crate) async fn advance(
        &self,
        seller_id: ObjectId,
        read: &Order,
        wanted: Status,
    ) -> Result<Option<Order>, Error> {
        let change = doc! {"$set": {"status": wanted.word(), "updatedAt": DateTime::now()}};
        let advanced = self
            .orders
            .find_one_and_update(sold_in(seller_id, read.id, read.status), change)
            .return_document(ReturnDocument::After)
            .await?;
        Ok(advanced.map(Order::from))
    }
}

pub(super) fn newest_first() -> Document {
    doc! {"_id": -1}
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
