//! How many sagas are under way, asked every now and then.

use std::collections::HashMap;
use std::sync::Arc;

use bson::DateTime;
use metrics::{gauge, histogram};
use prost_types::Timestamp;
use reen_chassis::metrics::{Sampling, sample};
use reen_proto::time::to_millis;

use super::Sagas;
use crate::error::Error;
use crate::store::Status;

const UNSETTLED: &str = "reen_sagas_unsettled";
const LAG: &str = "reen_inbox_lag_seconds";
const EVENTS: &str = "reen_inbox_events";

/// Notes how long a webhook was on its way from the gateway.
pub(super) fn note_lag(received_at: Option<&Timestamp>) {
    if let Some(received_at) = received_at {
        let received_at = DateTime::from_millis(to_millis(received_at));
        histogram!(LAG).record(DateTime::now().saturating_duration_since(received_at));
    }
}

impl Sagas {
    /// Told as long as the answer is held.
    pub(crate) fn told(self: &Arc<Self>) -> Sampling {
        metrics::describe_gauge!(UNSETTLED, "Sagas that have not ended, by kind and status.");
        metrics::describe_gauge!(EVENTS, "Events in the inbox, which forgets after 90 days.");
        metrics::describe_histogram!(
            LAG,
            "From a webhook's arrival at a gateway to when work on it begins."
        );
        sample("sagas", Arc::clone(self), |sagas| async move {
            sagas.tell().await
        })
    }

    async fn tell(&self) -> Result<(), Error> {
        let (counts, events) =
            tokio::try_join!(self.store.unsettled_counts(), self.store.event_count())?;
        let counts: HashMap<_, _> = counts.into_iter().collect();
        for kind in self.runner.kinds() {
            for status in Status::UNENDED {
                let count = counts.get(&(kind.to_owned(), status));
                gauge!(UNSETTLED, "kind" => kind, "status" => status.word())
                    .set(count.copied().unwrap_or_default());
            }
        }
        gauge!(EVENTS).set(u32::try_from(events).unwrap_or(u32::MAX));
        Ok(())
    }
}
