//! The queries and the indexes that serve them.

use bson::{Bson, DateTime, Document, doc};
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use reen_mongo::{Collection, sync_indexes};

use crate::domain::{Checkout, HoldState, State, Window};

pub(super) const CHECKOUTS: &str = "checkouts";
/// When the page of a checkout closes, or closed.
pub(super) const PAGE_CLOSED: &str = "expiresAt";
/// When a payment was recorded.
pub(super) const PAID: &str = "paidAt";

pub(super) async fn sync(checkouts: &Collection<Checkout>) -> Result<(), reen_mongo::Error> {
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
    sync_indexes(checkouts, [by_age, by_expiry, by_payment, by_debt]).await
}

pub(super) fn abandoned_before(moment: DateTime) -> Document {
    doc! {"state": State::Opening.word(), "createdAt": {"$lt": moment}}
}

pub(super) fn overdue_before(moment: DateTime) -> Document {
    doc! {"state": State::Open.word(), PAGE_CLOSED: {"$lt": moment}}
}

/// Not paid as far as is known here, and closed in this window.
pub(super) fn closed_in(window: Window) -> Document {
    let unpaid = [State::Opening.word(), State::Open.word()];
    doc! {"state": {"$in": unpaid}, PAGE_CLOSED: within(window)}
}

/// Paid in this window, and neither completed nor refunded.
pub(super) fn paid_in(window: Window) -> Document {
    doc! {"state": State::Paid.word(), PAID: within(window)}
}

fn within(window: Window) -> Document {
    let mut within = doc! {"$lt": window.before};
    if let Some(from) = window.from {
        within.insert("$gte", from);
    }
    within
}

pub(super) fn owing_release() -> Document {
    let unsold: Vec<Bson> = State::UNSOLD
        .iter()
        .map(|state| Bson::from(state.word()))
        .collect();
    doc! {"holdState": HoldState::ReleaseOwed.word(), "state": {"$in": unsold}}
}

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;
    use bson::{DateTime, doc};
    use reen_testkit::{TestDatabase, assert_uses_index};

    use super::{
        CHECKOUTS, PAGE_CLOSED, PAID, abandoned_before, closed_in, overdue_before, owing_release,
        paid_in,
    };
    use crate::domain::Window;
    use crate::store::Store;

    #[tokio::test]
    async fn every_query_is_served_by_an_index() {
        let fresh = TestDatabase::fresh();
        let database = fresh.open().await;
        Store::open(&database).await.unwrap();
        let now = DateTime::now();
        let id = ObjectId::new();
        for query in [
            abandoned_before(now),
            overdue_before(now),
            owing_release(),
            doc! {"_id": id},
            doc! {"_id": id, "userId": id},
            doc! {"_id": id, "holdState": "releaseOwed"},
        ] {
            assert_uses_index(&database, CHECKOUTS, query, doc! {}).await;
        }
        let window = Window {
            from: Some(now),
            before: now,
            limit: 1,
        };
        for (query, moment) in [(closed_in(window), PAGE_CLOSED), (paid_in(window), PAID)] {
            assert_uses_index(&database, CHECKOUTS, query, doc! {moment: 1}).await;
        }
    }
}
