use bson::doc;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use reen_mongo::{Idempotency, Indexes, Migration, Schema};

use crate::domain::{HoldState, State};

pub(super) const CHECKOUTS: &str = "checkouts";
/// When the page of a checkout closes, or closed.
pub(super) const PAGE_CLOSED: &str = "expiresAt";
/// When a payment was recorded.
pub(super) const PAID: &str = "paidAt";

/// What was done to the database, from the first version on.
#[must_use]
pub fn schema() -> Schema {
    let first = Migration::expanding(1, "indexes")
        .indexes(of_checkouts())
        .indexes(Idempotency::indexes());
    // Keys are of requests since, and in a collection of their own; epochs are in the checkouts.
    let moved = Migration::contracting(2, "keys-and-epochs-elsewhere", 1)
        .without_index(CHECKOUTS, "userId_1_idempotencyKey_1")
        .without_collection("saga_epochs");
    Schema::new(crate::NAME, 1, vec![first, moved])
}

fn of_checkouts() -> Indexes {
    let owing = doc! {"holdState": HoldState::ReleaseOwed.word()};
    let only_owing = IndexOptions::builder()
        .partial_filter_expression(owing)
        .build();
    let by_age = IndexModel::builder()
        .keys(doc! {"state": 1, "createdAt": 1})
        .build();
    let by_expiry = IndexModel::builder()
        .keys(doc! {"state": 1, PAGE_CLOSED: 1})
        .build();
    let only_paid = IndexOptions::builder()
        .partial_filter_expression(doc! {"state": State::Paid.word()})
        .build();
    let by_payment = IndexModel::builder()
        .keys(doc! {PAID: 1})
        .options(only_paid)
        .build();
    let by_debt = IndexModel::builder()
        .keys(doc! {"holdState": 1, "state": 1})
        .options(only_owing)
        .build();
    Indexes::of(CHECKOUTS, [by_age, by_expiry, by_payment, by_debt])
}
