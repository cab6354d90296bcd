//! What MongoDB itself watches over: the law of the stock, and the indexes.

use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use reen_mongo::{Fence, Idempotency, Indexes, Migration, Schema};

pub(super) const PRODUCTS: &str = "products";
pub(super) const LISTING_FEES: &str = "listing_fees";
pub(super) const HOLDS: &str = "holds";

/// What was done to the database, from the first version on.
#[must_use]
pub fn schema() -> Schema {
    let oldest_open = index(doc! {"state": 1, "createdAt": 1});
    let first_to_expire = index(doc! {"state": 1, "expiresAt": 1});
    let first = Migration::expanding(1, "law-of-the-stock-and-indexes")
        .validator(PRODUCTS, law_of_the_stock())
        .indexes(Indexes::of(PRODUCTS, product_indexes()))
        .indexes(Indexes::of(LISTING_FEES, [oldest_open]))
        .indexes(Indexes::of(HOLDS, [first_to_expire]))
        .indexes(Fence::indexes())
        .indexes(Idempotency::indexes());
    Schema::new(crate::NAME, 1, vec![first])
}

/// The queries keep the law themselves; this stops what would break it by mistake.
fn law_of_the_stock() -> Document {
    let pieces = doc! {"bsonType": "long", "minimum": 0};
    doc! {
        "$jsonSchema": {
            "required": ["quantity", "held", "sold", "stocked", "priceCents", "version"],
            "properties": {
                "quantity": pieces.clone(),
                "held": pieces.clone(),
                "sold": pieces.clone(),
                "stocked": pieces,
                "priceCents": {"bsonType": "long", "minimum": 1},
                "version": {"bsonType": "long"},
            },
        },
        "$expr": {"$eq": ["$stocked", {"$add": ["$quantity", "$held", "$sold"]}]},
    }
}

fn product_indexes() -> Vec<IndexModel> {
    let sparse = IndexOptions::builder().sparse(true).build();
    let half_removed = IndexModel::builder()
        .keys(doc! {"removingSince": 1})
        .options(sparse)
        .build();
    vec![
        index(doc! {"listed": 1, "nameFolded": 1, "_id": 1}),
        index(doc! {"listed": 1, "priceCents": 1, "_id": 1}),
        index(doc! {"listed": 1, "quantity": 1, "_id": 1}),
        index(doc! {"listed": 1, "createdAt": 1, "_id": 1}),
        index(doc! {"listed": 1, "updatedAt": 1, "_id": 1}),
        index(doc! {"sellerId": 1, "_id": 1}),
        half_removed,
    ]
}

fn index(keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}
