use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use reen_messaging::Outbox;
use reen_mongo::{Fence, Idempotency, Indexes, Migration, Schema};

pub(super) const ORDERS: &str = "orders";
pub(super) const CREATIONS: &str = "creations";
pub(super) const PRODUCT_COUNTS: &str = "product_counts";

/// A refund is one order's: these are never sought by, they are unique.
const REFUND_ID: &str = "refunds.id";
const STRIPE_REFUND_ID: &str = "refunds.stripeRefundId";

/// What was done to the database, from the first version on.
#[must_use]
pub fn schema() -> Schema {
    let first = Migration::expanding(1, "indexes")
        .indexes(of_orders())
        .indexes(of_creations())
        .indexes(Fence::indexes())
        .indexes(Idempotency::indexes())
        .indexes(Outbox::indexes());
    Schema::new(crate::NAME, 1, vec![first])
}

fn of_orders() -> Indexes {
    let unique = IndexOptions::builder().unique(true).build();
    let indexes = [
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
    Indexes::of(ORDERS, indexes)
}

fn of_creations() -> Indexes {
    // A checkout that was withdrawn before anything was created has no such operation.
    let unique_where_present = IndexOptions::builder().unique(true).sparse(true).build();
    let by_operation = index(doc! {"operationId": 1}, unique_where_present);
    Indexes::of(CREATIONS, [by_operation])
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
