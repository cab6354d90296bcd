//! The reconciler: finds what a lost webhook left behind, and what is past its deadline.
//!
//! It shares this work with the sweeper of the checkout service. The sweeper closes what can no longer
//! be paid; the reconciler begins the saga of what was paid and whose webhook never came. It changes
//! nothing by itself: a session that is over begins the saga `checkout-expired`, as its webhook would
//! have. Several replicas may be at it at once, and a webhook may come after all: a saga is begun once
//! for each checkout. When Stripe does not answer, nothing is decided, and the next round asks again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bson::DateTime;
use futures::StreamExt as _;
use futures::future::ready;
use futures::stream;
use reen_chassis::CallContext;
use reen_error::{Coded as _, Failure, Handling};
use reen_proto::checkout::v1::{ListUnsettledRequest, Status as CheckoutStatus, UnsettledCheckout};
use reen_proto::time::{from_millis, to_millis};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::findings::{self, Finding, FindingKind};
use super::{Sagas, intake};
use crate::clients::{Receipt, SessionState};
use crate::config::Reconciling;
use crate::domain::Payment;
use crate::error::Error;
use crate::saga::measures;
use crate::sagas::{CHECKOUT_EXPIRED, ORDER_COMPLETED};
use crate::store::{Begun, Event, NewSaga, Status, Watched, earlier};

/// How many questions Stripe is asked at a time; when as many got no answer, it is away.
const AT_ONCE: usize = 8;
/// How many checkouts are looked at in one round.
const MOST_CHECKOUTS: i32 = 1_000;
/// How long a payment that could not be taken is shown.
const UNEXPECTED_SHOWN_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const RECONCILED: &str = "reen_reconciled_total";
const OLDEST: &str = "reen_saga_oldest_unsettled_seconds";
/// The provider of events that this mesh makes itself.
const OWN: &str = "reen";

pub(crate) struct Reconciler {
    sagas: Arc<Sagas>,
    settings: Reconciling,
}

impl Reconciler {
    pub(crate) fn new(sagas: Arc<Sagas>, settings: Reconciling) -> Self {
        describe();
        Self { sagas, settings }
    }

    /// Round after round until `shutdown`; what is begun then is carried on.
    pub(crate) async fn reconcile_until(&self, shutdown: CancellationToken) {
        let every = self.settings.every;
        let mut rounds = interval_at(Instant::now() + every, every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Where a list that was too long for one round is taken up by the next.
        let mut from = None;
        while shutdown.run_until_cancelled(rounds.tick()).await.is_some() {
            let context = CallContext {
                request_id: Some(Uuid::new_v4().to_string().into()),
                ..CallContext::default()
            };
            from = context.scope(self.round(from, &shutdown)).await;
        }
    }

    async fn round(
        &self,
        from: Option<DateTime>,
        shutdown: &CancellationToken,
    ) -> Option<DateTime> {
        let next = match self.reconcile(from, shutdown).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(%error, "not reconciled; the next round tries again");
                from
            }
        };
        if let Err(error) = self.watch().await {
            tracing::warn!(%error, "the deadlines cannot be watched");
        }
        next
    }

    /// Asks Stripe about everything that should have ended, and answers where the next round begins.
    async fn reconcile(
        &self,
        from: Option<DateTime>,
        shutdown: &CancellationToken,
    ) -> Result<Option<DateTime>, Error> {
        let unsettled = self.unsettled(from).await?;
        let is_all = unsettled.len() < usize::try_from(MOST_CHECKOUTS).unwrap_or(usize::MAX);
        let next = unsettled.last().map(since);
        let unanswered = AtomicUsize::new(0);
        let is_away = || unanswered.load(Ordering::Relaxed) >= AT_ONCE;
        stream::iter(unsettled)
            .take_while(|_| ready(!is_away() && !shutdown.is_cancelled()))
            .for_each_concurrent(AT_ONCE, async |checkout| {
                if let Err(error) = self.settle(&checkout).await {
                    let checkout = checkout.checkout_id;
                    tracing::warn!(checkout, %error, "a checkout is not reconciled");
                    if error.code().handling() == Handling::Retry {
                        unanswered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
            .await;
        Ok(match (is_away(), is_all) {
            (true, _) => from,
            (false, true) => None,
            (false, false) => next,
        })
    }

    /// Begins what its webhook should have begun. A saga that is there already is left to its runner,
    /// its schedule and the sweep; whether it takes too long is told by its deadline.
    async fn settle(&self, checkout: &UnsettledCheckout) -> Result<(), Error> {
        let session_id = &checkout.stripe_session_id;
        // Without one, only the checkout service can find out whether Stripe ever made one.
        if session_id.is_empty() || self.has_order_saga(&checkout.checkout_id).await? {
            return Ok(());
        }
        let payments = self.sagas.runner.parties().payments();
        match payments.session(session_id).await? {
            SessionState::Paid(receipt) => {
                let saga = intake::complete_order(payment(checkout, receipt))?;
                self.begin(event_of(session_id, "paid"), saga).await
            }
            SessionState::Over if checkout.status() == CheckoutStatus::Open => {
                let saga = intake::expire_checkout(checkout.checkout_id.clone())?;
                self.begin(event_of(session_id, "over"), saga).await
            }
            SessionState::Over | SessionState::Pending => Ok(()),
        }
    }

    /// Begins a saga and runs it as far as it goes; what is put off is reminded by the sweep.
    async fn begin(&self, event: Event, saga: NewSaga) -> Result<(), Error> {
        // Of several replicas, and of the webhook that comes after all, one begins it.
        if let Begun::Fresh(saga) = self.sagas.store.begin(event, saga).await? {
            tracing::warn!(
                saga = saga.id,
                "its webhook never came: begun by the reconciler"
            );
            metrics::counter!(RECONCILED, "kind" => saga.kind.clone()).increment(1);
            measures::begun(&saga);
            self.sagas.runner.run(*saga).await?;
        }
        Ok(())
    }

    async fn has_order_saga(&self, checkout_id: &str) -> Result<bool, Error> {
        let saga_id = order_saga(checkout_id);
        let statuses = self.sagas.store.statuses(&[saga_id]).await?;
        Ok(!statuses.is_empty())
    }

    /// Checkouts that should have ended before the deadline of paid ones, from this moment on.
    async fn unsettled(&self, from: Option<DateTime>) -> Result<Vec<UnsettledCheckout>, Error> {
        let timestamp = |moment: DateTime| from_millis(moment.timestamp_millis());
        let asked = ListUnsettledRequest {
            before: Some(timestamp(earlier(self.settings.paid))),
            limit: MOST_CHECKOUTS,
            from: from.map(timestamp),
        };
        let mut checkout = self.sagas.runner.parties().checkout();
        let listed = checkout.list_unsettled(asked).await;
        Ok(listed.map_err(Failure::from)?.into_inner().checkouts)
    }

    /// Everything that an operator should look at.
    pub(crate) async fn findings(&self) -> Result<Vec<Finding>, Error> {
        let watched = self.sagas.store.watched().await?;
        let mut findings = self.past_deadline(&watched).await?;
        let since = earlier(UNEXPECTED_SHOWN_FOR);
        let refused = self.sagas.store.refused_by(findings::RECORD_PAYMENT, since);
        findings.extend(refused.await?.iter().filter_map(findings::unexpected));
        Ok(findings)
    }

    /// Counts what is past its deadline, and logs each once a round.
    async fn watch(&self) -> Result<(), Error> {
        let watched = self.sagas.store.watched().await?;
        let findings = self.past_deadline(&watched).await?;
        for found in &findings {
            let (subject, what, hint) = (&found.subject, &found.what, &found.hint);
            let kind = found.kind.gauge();
            tracing::error!(kind, subject, what, hint, since = %found.since, "past its deadline");
        }
        for kind in FindingKind::WATCHED {
            let count = findings
                .iter()
                .filter(|finding| finding.kind == kind)
                .count();
            metrics::gauge!(kind.gauge()).set(u32::try_from(count).unwrap_or(u32::MAX));
        }
        metrics::gauge!(OLDEST).set(age_of_oldest(&watched));
        Ok(())
    }

    async fn past_deadline(&self, watched: &[Watched]) -> Result<Vec<Finding>, Error> {
        let now = DateTime::now();
        let of_saga = |saga| findings::of_saga(saga, now, &self.settings);
        let mut findings: Vec<_> = watched.iter().flat_map(of_saga).collect();
        match self.unsettled(None).await {
            Ok(unsettled) => findings.extend(self.forsaken(unsettled).await?),
            // What the sagas tell is told all the same.
            Err(error) => tracing::warn!(%error, "paid checkouts cannot be listed"),
        }
        Ok(findings)
    }

    /// Paid checkouts at which no saga is at work: those of a saga at work are told by the saga.
    async fn forsaken(&self, unsettled: Vec<UnsettledCheckout>) -> Result<Vec<Finding>, Error> {
        let is_paid = |checkout: &UnsettledCheckout| checkout.status() == CheckoutStatus::Paid;
        let paid: Vec<_> = unsettled.into_iter().filter(is_paid).collect();
        let ids: Vec<_> = paid.iter().map(|it| order_saga(&it.checkout_id)).collect();
        let statuses = self.sagas.store.statuses(&ids).await?;
        let forsaken = |(checkout, saga_id): (&UnsettledCheckout, &String)| {
            let status = statuses.get(saga_id).copied();
            let is_at_work = status.is_some_and(|status| !status.is_settled());
            let id = checkout.checkout_id.clone();
            (!is_at_work).then(|| findings::forsaken(id, since(checkout), status))
        };
        Ok(paid.iter().zip(&ids).filter_map(forsaken).collect())
    }
}

fn describe() {
    metrics::describe_counter!(RECONCILED, "Sagas whose webhook never came, by kind.");
    for saga in [ORDER_COMPLETED.kind, CHECKOUT_EXPIRED.kind] {
        // What is not there before the first time is not seen to grow at the first time.
        metrics::counter!(RECONCILED, "kind" => saga).absolute(0);
    }
    metrics::describe_gauge!(
        OLDEST,
        "The age of the oldest saga that has not ended and is not stuck."
    );
    for kind in FindingKind::WATCHED {
        metrics::describe_gauge!(kind.gauge(), kind.meaning());
    }
}

fn order_saga(checkout_id: &str) -> String {
    format!("{}:{checkout_id}", ORDER_COMPLETED.kind)
}

fn since(checkout: &UnsettledCheckout) -> DateTime {
    let millis = checkout.since.as_ref().map(to_millis);
    DateTime::from_millis(millis.unwrap_or_default())
}

fn payment(checkout: &UnsettledCheckout, receipt: Receipt) -> Payment {
    Payment {
        checkout_id: checkout.checkout_id.clone(),
        session_id: checkout.stripe_session_id.clone(),
        payment_intent_id: receipt.payment_intent_id,
        amount_cents: receipt.amount_cents,
        currency: receipt.currency,
    }
}

/// Stands in the inbox for the event that never came; what it told is in its saga.
fn event_of(session_id: &str, outcome: &str) -> Event {
    Event {
        provider: OWN.to_owned(),
        id: format!("reconciled:{session_id}:{outcome}"),
        kind: "checkout.reconciled".to_owned(),
        body: Vec::new(),
    }
}

fn age_of_oldest(watched: &[Watched]) -> Duration {
    let unsettled = watched.iter().filter(|saga| saga.status != Status::Stuck);
    let oldest = unsettled.map(|saga| saga.created_at).min();
    oldest.map_or(Duration::ZERO, |created_at| {
        DateTime::now().saturating_duration_since(created_at)
    })
}
