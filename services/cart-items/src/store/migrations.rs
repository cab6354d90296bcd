use bson::doc;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use reen_mongo::{Fence, Idempotency, Indexes, Migration, Schema};

pub(super) const ITEMS: &str = "cart_items";

/// What was done to the database, from the first version on.
#[must_use]
pub fn schema() -> Schema {
    let first = Migration::expanding(1, "indexes")
        .indexes(of_items())
        .indexes(Fence::indexes())
        .indexes(Idempotency::indexes());
    Schema::new(crate::NAME, 1, vec![first])
}

fn of_items() -> Indexes {
    let unique = IndexOptions::builder().unique(true).build();
    let one_per_product = IndexModel::builder()
        .keys(doc! {"userId": 1, "productId": 1})
        .options(unique)
        .build();
    let oldest_first = IndexModel::builder()
        .keys(doc! {"userId": 1, "_id": 1})
        .build();
    let by_product = IndexModel::builder().keys(doc! {"productId": 1}).build();
    Indexes::of(ITEMS, [one_per_product, oldest_first, by_product])
}
