//! The use cases: take a message in, and carry its saga on.

mod findings;
mod intake;
mod operators;
mod reconcile;
mod standing;

use std::sync::Arc;

use reen_proto::events::v1::{
    AccountDeletionRequested, LetterRequested, RefundRequested, WebhookReceived,
};

pub(crate) use self::findings::{Finding, FindingKind};
use self::intake::Asked;
pub(crate) use self::operators::Operators;
pub(crate) use self::reconcile::Reconciler;
use crate::error::Error;
use crate::saga::{Ending, Runner, measures};
use crate::store::{Begun, Event, NewSaga, Store};

pub(crate) struct Sagas {
    store: Store,
    runner: Arc<Runner>,
}

impl Sagas {
    pub(crate) fn new(store: Store, runner: Arc<Runner>) -> Self {
        Self { store, runner }
    }

    /// Stores a provider's event with the saga that it starts, and runs that. `from_the_dead` when
    /// the message of the event came back from a consumer that vanished.
    pub(crate) async fn take_in_webhook(
        &self,
        webhook: WebhookReceived,
        from_the_dead: bool,
    ) -> Result<Ending, Error> {
        if !from_the_dead {
            standing::note_lag(webhook.received_at.as_ref());
        }
        let (event, asked) = intake::read_webhook(webhook)?;
        self.take_in(event, asked, from_the_dead).await
    }

    /// A user asked to be forgotten.
    pub(crate) async fn take_in_farewell(
        &self,
        farewell: &AccountDeletionRequested,
        from_the_dead: bool,
    ) -> Result<Ending, Error> {
        let (event, asked) = intake::read_farewell(farewell)?;
        self.take_in(event, asked, from_the_dead).await
    }

    /// A seller or an operator asked for a refund.
    pub(crate) async fn take_in_refund(
        &self,
        asked: RefundRequested,
        from_the_dead: bool,
    ) -> Result<Ending, Error> {
        let (event, asked) = intake::read_refund(asked)?;
        self.take_in(event, asked, from_the_dead).await
    }

    /// Somebody asked for a letter about their account.
    pub(crate) async fn take_in_letter(
        &self,
        asked: LetterRequested,
        from_the_dead: bool,
    ) -> Result<Ending, Error> {
        let (event, asked) = intake::read_letter(asked)?;
        self.take_in(event, asked, from_the_dead).await
    }

    /// Goes on with a saga that has something left to do.
    pub(crate) async fn go_on(&self, saga_id: &str, from_the_dead: bool) -> Result<Ending, Error> {
        match self.store.acquire(saga_id, from_the_dead).await? {
            Some(saga) => self.runner.run(saga).await,
            // Settled, stuck, or in the hands of another runner whose own message will see to it.
            None => Ok(Ending::Elsewhere),
        }
    }

    /// Sagas whose message was lost.
    pub(crate) async fn overdue(&self) -> Result<Vec<String>, Error> {
        self.store.overdue().await
    }

    async fn take_in(
        &self,
        event: Event,
        asked: Asked,
        from_the_dead: bool,
    ) -> Result<Ending, Error> {
        match asked {
            Asked::Saga(saga) => self.begin(event, saga, from_the_dead).await,
            Asked::Nothing(why) => {
                tracing::debug!(event = event.id, kind = event.kind, why, "ignored");
                self.store.note_ignored(&event, &why).await?;
                Ok(Ending::Settled)
            }
            // Kept whole in the inbox and among the dead letters; trying again would not help.
            Asked::Unreadable(why) => {
                self.store.note_ignored(&event, &why).await?;
                Ok(Ending::Stuck(why))
            }
        }
    }

    /// Stores an event with its saga and runs that; of an event, and of a saga's key, only the first
    /// counts.
    pub(crate) async fn begin(
        &self,
        event: Event,
        saga: NewSaga,
        from_the_dead: bool,
    ) -> Result<Ending, Error> {
        let mark = saga.mark();
        match self.store.begin(event, saga).await? {
            Begun::Fresh(saga) => {
                measures::begun(&saga);
                self.runner.run(*saga).await
            }
            Begun::Known { saga_id } => match mark {
                Some(mark) if !self.store.has_mark(&saga_id, &mark).await? => {
                    tracing::error!(saga = saga_id, ?mark, "this saga began with another one");
                    Ok(Ending::Stuck(format!(
                        "{saga_id} began with another {}",
                        mark.0
                    )))
                }
                _ => self.go_on(&saga_id, from_the_dead).await,
            },
        }
    }
}
