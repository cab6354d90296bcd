//! How many checkouts are under way, for those who watch.

use std::time::Duration;

use bson::{DateTime, doc};
use serde::Deserialize;

use super::migrations::PAID;
use super::{Store, queries};
use crate::domain::State;
use crate::error::Error;

/// More are not counted: by then it is no question of how many.
const MOST_COUNTED: u32 = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PaidAt {
    paid_at: DateTime,
}

impl Store {
    /// How many are in this state.
    pub(crate) async fn count(&self, state: State) -> Result<u64, Error> {
        let in_state = queries::in_state(state);
        Ok(self.checkouts.count_to(MOST_COUNTED, in_state).await?)
    }

    /// How long the oldest payment has been neither completed nor refunded.
    pub(crate) async fn oldest_paid(&self) -> Result<Duration, Error> {
        let paid = self.checkouts.clone_with_type::<PaidAt>();
        let oldest = paid
            .find_one(queries::in_state(State::Paid))
            .sort(doc! {PAID: 1})
            .projection(doc! {PAID: 1})
            .await?;
        Ok(oldest.map_or(Duration::ZERO, |oldest| {
            DateTime::now().saturating_duration_since(oldest.paid_at)
        }))
    }
}
