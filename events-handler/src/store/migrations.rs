use bson::doc;
use mongodb::IndexModel;
use reen_messaging::{Inbox, Outbox};
use reen_mongo::{Idempotency, Indexes, Migration, Schema};

use super::{SAGAS, operators, watch};

/// Lists once had other orders, and those of the same moment none.
const OF_EARLIER_LISTS: [&str; 7] = [
    "updatedAt_-1",
    "status_1_updatedAt_-1",
    "kind_1_updatedAt_-1",
    "createdAt_-1",
    "status_1_createdAt_-1",
    "kind_1_createdAt_-1",
    "status_1_createdAt_1",
];

/// What was done to the database, from the first version on.
#[must_use]
pub fn schema() -> Schema {
    let first = Migration::expanding(1, "indexes")
        .indexes(of_sagas())
        .indexes(Inbox::indexes())
        .indexes(Outbox::indexes())
        .indexes(Idempotency::indexes());
    let one_order = OF_EARLIER_LISTS.into_iter().fold(
        Migration::contracting(2, "no-indexes-of-earlier-lists", 1),
        |migration, index| migration.without_index(SAGAS, index),
    );
    Schema::new(crate::NAME, 1, vec![first, one_order])
}

fn of_sagas() -> Indexes {
    let by_due = IndexModel::builder()
        .keys(doc! {"status": 1, "dueAt": 1})
        .build();
    let all = watch::indexes().into_iter().chain([by_due]);
    Indexes::of(SAGAS, all.chain(operators::indexes()))
}
