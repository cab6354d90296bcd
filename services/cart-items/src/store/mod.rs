//! Documents, indexes and queries; nothing else speaks to MongoDB.

mod bought;
mod document;
mod takings;

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use futures::TryStreamExt as _;
use mongodb::options::{IndexOptions, ReturnDocument};
use mongodb::{Collection, IndexModel};
use reen_mongo::{Database, Fence, sync_indexes};

use crate::domain::{CartItem, MOST_LINES, Quantity};
use crate::error::Error;
use document::{ItemDocument, TakenDocument};
pub(crate) use takings::Takings;

/// Two first pieces of one product at the same moment collide once; more often is not a race.
const ADD_ATTEMPTS: usize = 3;

#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    items: Collection<ItemDocument>,
    taken: Collection<TakenDocument>,
    fence: Fence,
}

/// What became of pieces that were to be added.
pub(crate) enum Added {
    Item(CartItem),
    /// With what is in the cart already they would be more than allowed.
    TooMany,
    CartFull,
}

impl Store {
    pub(crate) async fn open(database: &Database) -> Result<Self, reen_mongo::Error> {
        let store = Self {
            database: database.clone(),
            items: database.collection("cart_items"),
            taken: database.collection("taken"),
            fence: Fence::open(database).await?,
        };
        let unique = IndexOptions::builder().unique(true).build();
        let one_per_product = IndexModel::builder()
            .keys(doc! {"userId": 1, "productId": 1})
            .options(unique)
            .build();
        let oldest_first = IndexModel::builder()
            .keys(doc! {"userId": 1, "_id": 1})
            .build();
        let by_product = IndexModel::builder().keys(doc! {"productId": 1}).build();
        sync_indexes(&store.items, [one_per_product, oldest_first, by_product]).await?;
        Ok(store)
    }

    /// Adds pieces unless the item would then have more than `most`.
    pub(crate) async fn add(
        &self,
        user_id: ObjectId,
        product_id: ObjectId,
        quantity: Quantity,
        most: i64,
    ) -> Result<Added, Error> {
        if quantity.pieces() > most {
            return Ok(Added::TooMany);
        }
        for _attempt in 0..ADD_ATTEMPTS {
            match self.upsert(user_id, product_id, quantity, most).await {
                Ok(Some(item)) => return self.keep_if_room(item).await,
                Err(error) if !error.is_duplicate_key() => return Err(error.into()),
                Ok(None) | Err(_) => {}
            }
            // The item is there: with too many pieces already, or made a moment ago by a sibling call.
            let key = doc! {"userId": user_id, "productId": product_id};
            if let Some(item) = self.items.find_one(key).await?
                && item.quantity.saturating_add(quantity.pieces()) > most
            {
                return Ok(Added::TooMany);
            }
        }
        Ok(Added::TooMany)
    }

    async fn upsert(
        &self,
        user_id: ObjectId,
        product_id: ObjectId,
        quantity: Quantity,
        most: i64,
    ) -> Result<Option<ItemDocument>, reen_mongo::Error> {
        let now = DateTime::now();
        let with_room = doc! {
            "userId": user_id,
            "productId": product_id,
            "quantity": {"$lte": most - quantity.pieces()},
        };
        let added = doc! {
            "$inc": {"quantity": quantity.pieces()},
            "$set": {"updatedAt": now},
            "$setOnInsert": {"_id": ObjectId::new(), "createdAt": now},
        };
        let item = self
            .items
            .find_one_and_update(with_room, added)
            .upsert(true)
            .return_document(ReturnDocument::After)
            .await?;
        Ok(item)
    }

    /// Takes a new line out again when it is one too many: counting afterwards, unlike before,
    /// holds against concurrent additions.
    async fn keep_if_room(&self, item: ItemDocument) -> Result<Added, Error> {
        let is_new = item.created_at == item.updated_at;
        if is_new {
            let of_user = doc! {"userId": item.user_id};
            let lines = self.items.count_documents(of_user).await?;
            if i64::try_from(lines).unwrap_or(i64::MAX) > MOST_LINES {
                self.items.delete_one(doc! {"_id": item.id}).await?;
                return Ok(Added::CartFull);
            }
        }
        Ok(Added::Item(item.into()))
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
    ) -> Result<Option<CartItem>, Error> {
        let own = doc! {"_id": id, "userId": user_id};
        let change = doc! {"$set": {"quantity": quantity.pieces(), "updatedAt": DateTime::now()}};
        let changed = self
            .items
            .find_one_and_update(own, change)
            .return_document(ReturnDocument::After)
            .await?;
        Ok(changed.map(CartItem::from))
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
