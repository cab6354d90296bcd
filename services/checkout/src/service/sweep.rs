//! Closes what can no longer be paid, and gives its stock back: whatever crashes and lost webhooks left
//! behind. Several replicas may be at it at once: whatever they do, done twice is done once.
//!
//! What was paid is not this service's to end. Should its webhook never come, the reconciler of
//! events-handler finds it by [`Checkouts::unsettled`], asks Stripe, and begins its saga; and the other
//! way round, the reconciler closes nothing by itself. The sweeper comes first, at half the grace, and
//! alone settles those whose session is not known.

use bson::DateTime;
use bson::oid::ObjectId;
use futures::future::ready;
use futures::stream::{self, StreamExt as _};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Checkouts;
use crate::clients::{Hold, SessionState};
use crate::domain::{Checkout, State};
use crate::error::Error;

/// Enough to get through after an outage, few enough for Stripe's rate limit.
const AT_ONCE: usize = 8;

impl Checkouts {
    /// Sweeps again and again until `shutdown`, and then stops between two checkouts. What is left is for
    /// the next round.
    pub(crate) async fn sweep_until(&self, shutdown: &CancellationToken) {
        let mut rounds = interval(self.sweeping.every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(rounds.tick()).await.is_some() {
            self.sweep(shutdown).await;
        }
    }

    async fn sweep(&self, shutdown: &CancellationToken) {
        let outcomes = [
            ("abandoned checkouts", self.sweep_abandoned(shutdown).await),
            ("overdue checkouts", self.sweep_overdue(shutdown).await),
            ("owed releases", self.sweep_owed(shutdown).await),
            ("stale holds", self.sweep_stale_holds(shutdown).await),
        ];
        for (what, outcome) in outcomes {
            if let Err(failure) = outcome {
                tracing::warn!(what, error = %failure, "could not sweep");
            }
        }
    }

    /// Whoever was opening them crashed, or could not close them.
    async fn sweep_abandoned(&self, shutdown: &CancellationToken) -> Result<(), Error> {
        let ids = self.store.abandoned(ago(self.sweeping.abandoned_after));
        self.settle_all(ids.await?, shutdown).await;
        Ok(())
    }

    /// The webhook of their end should have come by now.
    async fn sweep_overdue(&self, shutdown: &CancellationToken) -> Result<(), Error> {
        let ids = self.store.overdue(ago(self.terms.grace / 2));
        self.settle_all(ids.await?, shutdown).await;
        Ok(())
    }

    /// They were closed, but the stock could not be given back then.
    async fn sweep_owed(&self, shutdown: &CancellationToken) -> Result<(), Error> {
        self.settle_all(self.store.owing_release().await?, shutdown)
            .await;
        Ok(())
    }

    async fn settle_all(&self, ids: Vec<ObjectId>, shutdown: &CancellationToken) {
        let ids = stream::iter(ids).take_while(|_| ready(!shutdown.is_cancelled()));
        let settling = ids.for_each_concurrent(AT_ONCE, |id| async move {
            if let Err(failure) = self.settle_by_id(id).await {
                tracing::warn!(checkout = %id, error = %failure, "could not settle a checkout");
            }
        });
        settling.await;
    }

    async fn settle_by_id(&self, id: ObjectId) -> Result<(), Error> {
        match self.store.find(id).await? {
            Some(checkout) => self.settle(checkout).await,
            None => Ok(()),
        }
    }

    /// Brings a checkout as far as it can go without the saga.
    async fn settle(&self, checkout: Checkout) -> Result<(), Error> {
        match checkout.state {
            State::Opening | State::Open => self.settle_unpaid(checkout).await,
            State::Expired | State::Canceled | State::Refunded => self.settle_hold(&checkout).await,
            State::Paid | State::Completed => Ok(()),
        }
    }

    /// Stripe decides: nothing is given back that may still be paid.
    async fn settle_unpaid(&self, checkout: Checkout) -> Result<(), Error> {
        match self.final_state(&checkout).await? {
            SessionState::Expired | SessionState::Missing => {
                let expired = self.store.change(checkout.id, Checkout::expire).await?;
                if expired.owes_release() {
                    tracing::info!(checkout = %expired.id, "expired by the sweeper");
                }
                self.settle_hold(&expired).await
            }
            // Its saga's; whether that has begun in time is the reconciler's to see, and to report.
            SessionState::Paid => {
                tracing::debug!(checkout = %checkout.id, "paid: left to its saga");
                Ok(())
            }
            SessionState::Processing | SessionState::Open => {
                tracing::info!(checkout = %checkout.id, "the payment is still on its way");
                Ok(())
            }
        }
    }

    /// Where the session stands once it cannot be paid any more, if it can be brought to that.
    async fn final_state(&self, checkout: &Checkout) -> Result<SessionState, Error> {
        let payments = &self.parties.payments;
        let session_id = match &checkout.page {
            Some(page) => page.session_id.clone(),
            // The same request under the same key tells which session was made, if one was.
            None => match payments.open_session(checkout).await {
                Ok(page) => page.session_id,
                Err(Error::PaymentRefused) => return Ok(SessionState::Missing),
                Err(failure) => return Err(failure),
            },
        };
        match payments.session(&session_id).await? {
            SessionState::Open => payments.expire_session(&session_id).await,
            settled => Ok(settled),
        }
    }

    async fn sweep_stale_holds(&self, shutdown: &CancellationToken) -> Result<(), Error> {
        for hold in self.parties.products.stale_holds().await? {
            if shutdown.is_cancelled() {
                break;
            }
            if let Err(failure) = self.settle_stale(&hold).await {
                tracing::warn!(hold = hold.id, error = %failure, "could not settle a hold");
            }
        }
        Ok(())
    }

    async fn settle_stale(&self, hold: &Hold) -> Result<(), Error> {
        let checkout = self.store.find(hold.checkout_id).await?;
        match checkout {
            // Whoever reserved it crashed before there was anything to pay for.
            None => self.parties.products.release(hold).await,
            Some(unsold) if unsold.state.is_unsold() => self.parties.products.release(hold).await,
            Some(checkout) => self.settle(checkout).await,
        }
    }
}

fn ago(duration: std::time::Duration) -> DateTime {
    let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_millis(DateTime::now().timestamp_millis().saturating_sub(millis))
}
