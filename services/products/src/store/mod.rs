//! Documents, indexes and queries; nothing else speaks to MongoDB.

mod catalogue;
mod document;
mod fees;
mod holds;
mod listing;
mod migrations;
mod removal;
mod repair;
mod stock;
mod stockroom;
mod totals;

use reen_mongo::{Collection, Database, Fence};

pub(crate) use holds::Rule;
pub use migrations::schema;
pub(crate) use reen_mongo::{Claim, Idempotency};
pub(crate) use repair::Comparison;
pub(crate) use stockroom::Stockroom;

use document::{FeeDocument, HoldDocument, ProductDocument};
use totals::Totals;

#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    products: Collection<ProductDocument>,
    fees: Collection<FeeDocument>,
    holds: Collection<HoldDocument>,
    fence: Fence,
    totals: Totals,
}

impl Store {
    pub(crate) fn open(database: &Database) -> Self {
        Self {
            database: database.clone(),
            products: database.collection(migrations::PRODUCTS),
            fees: database.collection(migrations::LISTING_FEES),
            holds: database.collection(migrations::HOLDS),
            fence: Fence::open(database),
            totals: Totals::unknown(),
        }
    }

    /// Other products match than before: how many they are is counted anew.
    pub(crate) fn forget_totals(&self) {
        self.totals.forget();
    }
}

#[cfg(test)]
mod tests;
