//! What MongoDB itself watches over: the law of the stock, and the indexes.

use bson::{Document, doc};
use mongodb::IndexModel;
use mongodb::error::{Error as DriverError, ErrorKind};
use mongodb::options::IndexOptions;
use reen_mongo::{Database, Error, sync_indexes};

use super::Store;

pub(super) const PRODUCTS: &str = "products";
pub(super) const LISTING_FEES: &str = "listing_fees";
pub(super) const HOLDS: &str = "holds";

const NAMESPACE_EXISTS: i32 = 48;

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

/// Makes the collection of products with its validator, or gives the validator to the one there is.
pub(super) async fn guard_stock(database: &Database) -> Result<(), Error> {
    let created = database
        .driver()
        .create_collection(PRODUCTS)
        .validator(law_of_the_stock())
        .await;
    match created {
        Err(error) if already_exists(&error) => {
            let guard = doc! {"collMod": PRODUCTS, "validator": law_of_the_stock()};
            database.driver().run_command(guard).await?;
            Ok(())
        }
        outcome => Ok(outcome?),
    }
}

fn already_exists(error: &DriverError) -> bool {
    matches!(&*error.kind, ErrorKind::Command(command) if command.code == NAMESPACE_EXISTS)
}

pub(super) async fn make_indexes(store: &Store) -> Result<(), Error> {
    sync_indexes(&store.products, product_indexes()).await?;
    let oldest_open = index(doc! {"state": 1, "createdAt": 1});
    sync_indexes(&store.fees, [oldest_open]).await?;
    let first_to_expire = index(doc! {"state": 1, "expiresAt": 1});
    sync_indexes(&store.holds, [first_to_expire]).await
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
