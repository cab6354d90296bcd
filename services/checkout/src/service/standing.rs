//! What has not ended, told on `/metrics`.

use std::sync::Arc;

use metrics::gauge;
use reen_chassis::metrics::{Sampling, sample};

use super::Checkouts;
use crate::domain::State;
use crate::error::Error;

const UNSETTLED: &str = "reen_checkouts_unsettled";
const OLDEST_PAID: &str = "reen_checkout_oldest_paid_seconds";

impl Checkouts {
    /// Told as long as the answer is held.
    pub(crate) fn told(self: &Arc<Self>) -> Sampling {
        metrics::describe_gauge!(
            UNSETTLED,
            "Checkouts that have not ended, by state; paid: money came, and there is no order yet."
        );
        metrics::describe_gauge!(
            OLDEST_PAID,
            "How long the oldest payment has been without its order or its refund."
        );
        let this = Arc::clone(self);
        sample("checkouts", this, |this| async move { this.tell().await })
    }

    async fn tell(&self) -> Result<(), Error> {
        for state in [State::Opening, State::Open, State::Paid] {
            let count = self.store.count(state).await?;
            gauge!(UNSETTLED, "state" => state.word())
                .set(u32::try_from(count).unwrap_or(u32::MAX));
        }
        gauge!(OLDEST_PAID).set(self.store.oldest_paid().await?);
        Ok(())
    }
}
