//! The use cases: take an event in, and carry its saga on.

use bson::Document;
use reen_proto::events::v1::{AccountDeletionRequested, WebhookReceived};
use serde::Serialize;

use crate::domain::{Payment, Wish, read_stripe_event};
use crate::error::Error;
use crate::saga::{Compensation, Definition, Ending, Runner};
use crate::sagas::{
    ACCOUNT_DELETED, AccountState, CHECKOUT_EXPIRED, ExpiryState, ORDER_COMPLETED, OrderState,
};
use crate::store::{Begun, Event, NewSaga, Store};

const STRIPE: &str = "stripe";

pub(crate) struct Sagas {
    store: Store,
    runner: Runner,
}

impl Sagas {
    pub(crate) fn new(store: Store, runner: Runner) -> Self {
        Self { store, runner }
    }

    /// Stores a provider's event with the saga that it starts, and runs that. `from_the_dead` when
    /// the message of the event came back from a consumer that vanished.
    pub(crate) async fn take_in_webhook(
        &self,
        webhook: WebhookReceived,
        from_the_dead: bool,
    ) -> Result<Ending, Error> {
        let event = Event {
            provider: webhook.provider,
            id: webhook.event_id,
            kind: webhook.event_type,
            body: webhook.body,
        };
        if event.provider != STRIPE {
            return self.ignore(event, "the provider is not known").await;
        }
        match read_stripe_event(&event.body) {
            Ok(Wish::Complete(payment)) => {
                let key = payment.checkout_id.clone();
                let saga = begin(&ORDER_COMPLETED, key, &OrderState::from(payment))?;
                self.start(event, saga, from_the_dead).await
            }
            Ok(Wish::Expire { checkout_id }) => {
                let state = ExpiryState {
                    checkout_id: checkout_id.clone(),
                };
                let saga = begin(&CHECKOUT_EXPIRED, checkout_id, &state)?;
                self.start(event, saga, from_the_dead).await
            }
            Ok(Wish::Ignore(why)) => self.ignore(event, why).await,
            // Kept whole in the inbox and among the dead letters; trying again would not help.
            Err(unreadable) => {
                let why = unreadable.to_string();
                self.store.note_ignored(event, &why).await?;
                Ok(Ending::Stuck(why))
            }
        }
    }

    /// A user asked to be forgotten.
    pub(crate) async fn take_in_farewell(
        &self,
        farewell: AccountDeletionRequested,
        from_the_dead: bool,
    ) -> Result<Ending, Error> {
        let state = AccountState {
            user_id: farewell.user_id.clone(),
        };
        let saga = begin(&ACCOUNT_DELETED, farewell.user_id.clone(), &state)?;
        let event = Event {
            provider: "reen".to_owned(),
            id: format!("account-deletion:{}", farewell.user_id),
            kind: "account.deletion_requested".to_owned(),
            body: Vec::new(),
        };
        self.start(event, saga, from_the_dead).await
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

    async fn start(
        &self,
        event: Event,
        saga: NewSaga,
        from_the_dead: bool,
    ) -> Result<Ending, Error> {
        match self.store.begin(event, saga).await? {
            Begun::Fresh(saga) => self.runner.run(*saga).await,
            Begun::Known { saga_id } => self.go_on(&saga_id, from_the_dead).await,
        }
    }

    async fn ignore(&self, event: Event, why: &str) -> Result<Ending, Error> {
        tracing::debug!(event = event.id, kind = event.kind, why, "ignored");
        self.store.note_ignored(event, why).await?;
        Ok(Ending::Settled)
    }
}

fn begin<S: Serialize>(
    definition: &Definition<S>,
    key: String,
    state: &S,
) -> Result<NewSaga, Error> {
    let state: Document = bson::serialize_to_document(state)?;
    let first = definition.steps.first();
    let owed = first
        .filter(|step| matches!(step.compensation, Compensation::Undo(_)))
        .map(|step| step.name);
    Ok(NewSaga {
        kind: definition.kind,
        version: definition.version,
        key,
        state,
        owed,
    })
}

impl From<Payment> for OrderState {
    fn from(payment: Payment) -> Self {
        Self {
            checkout_id: payment.checkout_id,
            session_id: payment.session_id,
            payment_intent_id: payment.payment_intent_id,
            amount_cents: payment.amount_cents,
            currency: payment.currency,
            ..Self::default()
        }
    }
}
