use std::sync::Arc;
use std::time::Duration;

use bson::DateTime;
use reen_error::{Coded as _, Handling};
use tokio_util::sync::CancellationToken;

use super::Products;
use crate::error::Error;

const AT_ONCE: i64 = 100;

/// Finishes what a crash, or a peer that was away, left half done.
///
/// Every replica sweeps: what two of them do at the same time happens once.
pub(crate) struct Sweeper {
    service: Arc<Products>,
    every: Duration,
    after: Duration,
}

impl Sweeper {
    /// Looks `every` so often for what is older than `after`.
    pub(crate) fn new(service: Arc<Products>, every: Duration, after: Duration) -> Self {
        Self {
            service,
            every,
            after,
        }
    }

    /// Sweeps until `shutdown`, and stops between two things; the rest is left to the next sweep.
    pub(crate) async fn run(self, shutdown: &CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Err(error) = self.sweep_fees(shutdown).await {
                tracing::warn!(%error, "open fees were not swept");
            }
            if let Err(error) = self.sweep_removals().await {
                tracing::warn!(%error, "half removed products were not swept");
            }
            let _stopped = tokio::time::timeout(self.every, shutdown.cancelled()).await;
        }
    }

    async fn sweep_fees(&self, shutdown: &CancellationToken) -> Result<(), Error> {
        let left_open = self
            .service
            .store
            .fees_left_open(self.cutoff(), AT_ONCE)
            .await?;
        for fee_id in left_open {
            if shutdown.is_cancelled() {
                return Ok(());
            }
            tracing::info!(fee = fee_id, "giving back a fee that was left open");
            match self.service.reverse(&fee_id).await {
                // The ledger is away: it is for the others too.
                Err(error) if error.code().handling() == Handling::Retry => return Err(error),
                Err(error) => tracing::error!(fee = fee_id, %error, "the fee cannot be given back"),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    async fn sweep_removals(&self) -> Result<(), Error> {
        let half_removed = self
            .service
            .store
            .half_removed(self.cutoff(), AT_ONCE)
            .await?;
        if !half_removed.is_empty() {
            let products = half_removed.len();
            tracing::info!(products, "finishing removals that were left half done");
        }
        self.service.retire(&half_removed).await
    }

    fn cutoff(&self) -> DateTime {
        let age = i64::try_from(self.after.as_millis()).unwrap_or(i64::MAX);
        let now = DateTime::now().timestamp_millis();
        DateTime::from_millis(now.saturating_sub(age))
    }
}
