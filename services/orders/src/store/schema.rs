//! The names of the collections, and an index for every query.

use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use reen_mongo::sync_indexes;

use super::Store;

pub(super) const ORDERS: &str = "orders";
pub(super) const CREATIONS: &str = "creations";
pub(super) const PRODUCT_COUNTS: &str = "product_counts";

/// A refund is one order's: these are never sought by, they are unique.
const REFUND_ID: &str = "refunds.id";
const STRIPE_REFUND_ID: &str = "refunds.stripeRefundId";

pub(super) async fn make_indexes(store: &Store) -> Result<(), reen_mongo::Error> {
    let unique = IndexOptions::builder().unique(true).build();
    // A checkout that was withdrawn before anything was created has no such operation.
    let unique_where_present = IndexOptions::builder().unique(true).sparse(true).build();
    let of_orders = [
        index(doc! {"checkoutId": 1}, unique),
        index(doc! {"userId": 1, "_id": -1}, IndexOptions::default()),
        // The buyer is at its end so that a seller's own purchases are left out within the index.
        index(
            doc! {"sellerIds": 1, "_id": -1, "userId": 1},
            IndexOptions::default(),
        ),
        index(doc! {REFUND_ID: 1}, unique_if_any(REFUND_ID)),
        index(doc! {STRIPE_REFUND_ID: 1}, unique_if_any(STRIPE_REFUND_ID)),
    ];
    sync_indexes(&store.orders, of_orders).await?;
    let of_creations = [index(doc! {"operationId": 1}, unique_where_present)];
    sync_indexes(&store.creations, of_creations).await
}

/// Over the few documents that have the field at all.
fn unique_if_any(field: &str) -> IndexOptions {
    IndexOptions::builder()
        .unique(true)
        .partial_filter_expression(doc! {field: {"$exists": true}})
        .build()
}

fn index(keys: Document, options: IndexOptions) -> IndexModel {
    IndexModel::builder().keys(keys).options(options).build()
}
