//! Documents, indexes and queries; nothing else speaks to MongoDB.

mod adding;
mod bought;
mod document;
mod migrations;
mod takings;

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;
use mongodb::options::ReturnDocument;
use reen_mongo::{Collection, Database, Fence};

use crate::domain::{CartItem, MOST_LINES, Quantity};
use crate::error::Error;
pub(crate) use adding::{Added, Addition};
use document::{ItemDocument, TakenDocument};
pub use migrations::schema;
pub(crate) use reen_mongo::{Claim, Idempotency};
pub(crate) use takings::Takings;

#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    items: Collection<ItemDocument>,
    taken: Collection<TakenDocument>,
    fence: Fence,
}

impl Store {
    pub(crate) fn open(database: &Database) -> Self {
        Self {
            database: database.clone(),
            items: database.collection(migrations::ITEMS),
            taken: database.collection("taken"),
            fence: Fence::open(database),
        }
    }

    pub(crate) async fn of_user(&self, user_id: ObjectId) -> Result<Vec<CartItem>, Error> {
        let oldest_first = self
            .items
            .find(doc! {"userId": user_id})
            .sort(doc! {"_id": 1})
            .limit(MOST_LINES)
            .await?;
        Ok(oldest_first.map_ok(CartItem::from).try_collect().await?)
    }

    pub(crate) async fn find(
        &self,
        user_id: ObjectId,
        id: ObjectId,
    ) -> Result<Option<CartItem>, Error> {
        let own = doc! {"_id": id, "userId": user_id};
        Ok(self.items.find_one(own).await?.map(CartItem::from))
    }

    pub(crate) async fn set_quantity(
        &self,
        user_id: ObjectId,
        id: ObjectId,
        quantity: Quantity,
        claim: &Claim<CartItem>,
    ) -> Result<CartItem, Error> {
        let mut write = claim.begin(&self.database).await?;
        loop {
            let attempt = self.set_quantity_once(write.session(), user_id, id, quantity);
            let attempt = attempt.await;
            if let Some(item) = write.settle(attempt).await? {
                return Ok(item);
            }
        }
    }

    async fn set_quantity_once(
        &self,
        session: Option<&mut ClientSession>,
        user_id: ObjectId,
        id: ObjectId,
        quantity: Quantity,
    ) -> Result<CartItem, Error> {
        let own = doc! {"_id": id, "userId": user_id};
        let change = doc! {"$set": {"quantity": quantity.pieces(), "updatedAt": DateTime::now()}};
        let mut changing = self
            .items
            .find_one_and_update(own, change)
            .return_document(ReturnDocument::After);
        if let Some(session) = session {
            changing = changing.session(session);
        }
        let changed = changing.await?;
        changed.map(CartItem::from).ok_or(Error::NotFound)
    }

    pub(crate) async fn remove(&self, user_id: ObjectId, id: ObjectId) -> Result<bool, Error> {
        let own = doc! {"_id": id, "userId": user_id};
        Ok(self.items.delete_one(own).await?.deleted_count > 0)
    }

    pub(crate) async fn clear(&self, user_id: ObjectId) -> Result<u64, Error> {
        Ok(self
            .items
            .delete_many(doc! {"userId": user_id})
            .await?
            .deleted_count)
    }

    pub(crate) async fn remove_products(&self, product_ids: &[ObjectId]) -> Result<u64, Error> {
        let of_products = doc! {"productId": {"$in": product_ids.to_vec()}};
        Ok(self.items.delete_many(of_products).await?.deleted_count)
    }
}
