//! What is looked for among the checkouts, each served by an index.

use bson::{Bson, DateTime, Document, doc};

use super::migrations::{PAGE_CLOSED, PAID};
use crate::domain::{HoldState, State, Window};

pub(super) fn in_state(state: State) -> Document {
    doc! {"state": state.word()}
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

    use super::{abandoned_before, closed_in, in_state, overdue_before, owing_release, paid_in};
    use crate::domain::{State, Window};
    use crate::store::migrations::{CHECKOUTS, PAGE_CLOSED, PAID, schema};

    #[tokio::test]
    async fn every_query_is_served_by_an_index() {
        let fresh = TestDatabase::fresh();
        let database = fresh.migrated(&schema()).await;
        let now = DateTime::now();
        let id = ObjectId::new();
        for query in [
            abandoned_before(now),
            overdue_before(now),
            owing_release(),
            in_state(State::Open),
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
        for (query, moment) in [
            (closed_in(window), PAGE_CLOSED),
            (paid_in(window), PAID),
            (in_state(State::Paid), PAID),
        ] {
            assert_uses_index(&database, CHECKOUTS, query, doc! {moment: 1}).await;
        }
    }
}
