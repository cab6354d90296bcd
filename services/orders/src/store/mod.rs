//! Documents, indexes and queries; nothing else speaks to MongoDB.

mod counts;
mod creation;
mod document;
mod history;
mod refunds;
mod schema;

use reen_messaging::Outbox;
use reen_mongo::{Collection, Database, Fence};

pub(crate) use creation::Creations;
pub(crate) use document::ProductCount;
use document::{CreationDocument, OrderDocument};
pub(crate) use reen_mongo::{Claim, Idempotency};

#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    orders: Collection<OrderDocument>,
    creations: Collection<CreationDocument>,
    counts: Collection<ProductCount>,
    fence: Fence,
    outbox: Outbox,
}

impl Store {
    pub(crate) async fn open(
        database: &Database,
        outbox: Outbox,
    ) -> Result<Self, reen_mongo::Error> {
        let store = Self {
            database: database.clone(),
            orders: database.collection(schema::ORDERS),
            creations: database.collection(schema::CREATIONS),
            counts: database.collection(schema::PRODUCT_COUNTS),
            fence: Fence::open(database).await?,
            outbox,
        };
        schema::make_indexes(&store).await?;
        Ok(store)
    }
}

#[cfg(test)]
mod tests;
