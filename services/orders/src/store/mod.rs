//! Documents, indexes and queries; nothing else speaks to MongoDB.

mod counts;
mod creation;
mod document;
mod history;
mod migrations;
mod refunds;

use reen_messaging::Outbox;
use reen_mongo::{Collection, Database, Fence};

pub(crate) use creation::Creations;
pub(crate) use document::ProductCount;
use document::{CreationDocument, OrderDocument};
pub use migrations::schema;
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
    pub(crate) fn open(database: &Database, outbox: Outbox) -> Self {
        Self {
            database: database.clone(),
            orders: database.collection(migrations::ORDERS),
            creations: database.collection(migrations::CREATIONS),
            counts: database.collection(migrations::PRODUCT_COUNTS),
            fence: Fence::open(database),
            outbox,
        }
    }
}

#[cfg(test)]
mod tests;
