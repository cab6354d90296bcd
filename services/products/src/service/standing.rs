//! What is held, told on `/metrics`.

use std::sync::Arc;

use bson::DateTime;
use metrics::gauge;
use reen_chassis::metrics::{Sampling, sample};

use super::Products;
use crate::error::Error;

const HOLDS: &str = "reen_holds";
const EXPIRED: &str = "reen_holds_expired";

impl Products {
    /// Told as long as the answer is held.
    pub(crate) fn told(self: &Arc<Self>) -> Sampling {
        metrics::describe_gauge!(HOLDS, "Reservations for checkouts that have not ended.");
        metrics::describe_gauge!(
            EXPIRED,
            "Those of them whose time is over; the checkout's sweeper gives them back."
        );
        let this = Arc::clone(self);
        sample("holds", this, |this| async move { this.tell().await })
    }

    async fn tell(&self) -> Result<(), Error> {
        let (held, expired) = tokio::try_join!(
            self.store.held_before(DateTime::MAX),
            self.store.held_before(DateTime::now()),
        )?;
        gauge!(HOLDS).set(u32::try_from(held).unwrap_or(u32::MAX));
        gauge!(EXPIRED).set(u32::try_from(expired).unwrap_or(u32::MAX));
        Ok(())
    }
}
