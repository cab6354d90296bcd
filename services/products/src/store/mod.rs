//! Documents, indexes and queries; nothing else speaks to MongoDB.

mod catalogue;
mod document;
mod fees;
mod holds;
mod listing;
mod removal;
mod repair;
mod schema;
mod stock;
mod stockroom;

use reen_mongo::{Collection, Database, Fence};

pub(crate) use holds::Rule;
pub(crate) use reen_mongo::{Claim, Idempotency};
pub(crate) use repair::Comparison;
pub(crate) use stockroom::Stockroom;

use document::{FeeDocument, HoldDocument, ProductDocument};

#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    products: Collection<ProductDocument>,
    fees: Collection<FeeDocument>,
    holds: Collection<HoldDocument>,
    fence: Fence,
}

impl Store {
    pub(crate) async fn open(database: &Database) -> Result<Self, reen_mongo::Error> {
        let store = Self {
            database: database.clone(),
            products: database.collection(schema::PRODUCTS),
            fees: database.collection(schema::LISTING_FEES),
            holds: database.collection(schema::HOLDS),
            fence: Fence::open(database).await?,
        };
        schema::guard_stock(database).await?;
        schema::make_indexes(&store).await?;
        Ok(store)
    }
}

#[cfg(test)]
mod tests;
