//! Which saga a message asks for.

use reen_proto::events::v1::{
    AccountDeletionRequested, LetterRequested, RefundRequested, WebhookReceived,
};
use serde::Serialize;

use crate::domain::{
    ClerkWish, Payment, PaymentRefunded, Wish, read_clerk_event, read_stripe_event,
};
use crate::error::Error;
use crate::saga::{AnySaga as _, Definition};
use crate::sagas::{
    ACCOUNT_DELETED, ACCOUNT_LETTER, AccountState, CHECKOUT_EXPIRED, CLERK_USER_DELETED,
    CLERK_USER_SYNCED, ClerkState, ExpiryState, LetterState, ORDER_COMPLETED, OrderState,
    PAYMENT_REFUNDED, REFUND_REQUESTED, RefundState, RefundedState,
};
use crate::store::{Event, NewSaga};

const STRIPE: &str = "stripe";
const CLERK: &str = "clerk";
/// The provider of events that this mesh sends itself.
const OWN: &str = "reen";

/// What a message asks for.
pub(super) enum Asked {
    Saga(NewSaga),
    /// Nothing, and why.
    Nothing(String),
    /// It cannot be read, and why.
    Unreadable(String),
}

/// A provider's event, and what it asks for.
pub(super) fn read_webhook(webhook: WebhookReceived) -> Result<(Event, Asked), Error> {
    let mut event = Event {
        provider: webhook.provider,
        id: webhook.event_id,
        kind: webhook.event_type,
        body: webhook.body,
    };
    let asked = match event.provider.as_str() {
        STRIPE => asked_by_stripe(&event.body)?,
        // The inbox keeps that it came, and not the person in it, who may have to be forgotten: what
        // it says is in the saga until auth knows it, and what cannot be read among the dead letters.
        CLERK => {
            let body = std::mem::take(&mut event.body);
            asked_by_clerk(&event.id, &body)?
        }
        _ => Asked::Nothing("the provider is not known".to_owned()),
    };
    Ok((event, asked))
}

fn asked_by_stripe(body: &[u8]) -> Result<Asked, Error> {
    Ok(match read_stripe_event(body) {
        Ok(Wish::Complete(payment)) => Asked::Saga(complete_order(payment)?),
        Ok(Wish::Expire { checkout_id }) => Asked::Saga(expire_checkout(checkout_id)?),
        Ok(Wish::NoteRefund(refunded)) => Asked::Saga(note_refund(refunded)?),
        Ok(Wish::Ignore(why)) => Asked::Nothing(why.to_owned()),
        Err(unreadable) => Asked::Unreadable(unreadable.to_string()),
    })
}

/// A refund that is noted at its order.
pub(super) fn read_refund(asked: RefundRequested) -> Result<(Event, Asked), Error> {
    let event = Event {
        provider: OWN.to_owned(),
        id: format!("refund:{}", asked.refund_id),
        kind: "refund.requested".to_owned(),
        body: Vec::new(),
    };
    let state = RefundState::from(asked);
    let saga = begin(&REFUND_REQUESTED, state.id.clone(), &state)?;
    Ok((event, Asked::Saga(saga)))
}

/// A letter about an account.
pub(super) fn read_letter(asked: LetterRequested) -> Result<(Event, Asked), Error> {
    let event = Event {
        provider: OWN.to_owned(),
        id: format!("letter:{}", asked.letter_id),
        kind: "letter.requested".to_owned(),
        body: Vec::new(),
    };
    let key = asked.letter_id.clone();
    let state = LetterState {
        letter_id: asked.letter_id,
    };
    Ok((event, Asked::Saga(begin(&ACCOUNT_LETTER, key, &state)?)))
}

/// Each event has a saga of its own, named after the event: the name of a saga is kept by every service
/// that it calls, so it must not be a person's. Which of two events is newer, auth decides.
fn asked_by_clerk(event_id: &str, body: &[u8]) -> Result<Asked, Error> {
    let key = event_id.to_owned();
    Ok(match read_clerk_event(body) {
        Ok(ClerkWish::Sync(user)) => {
            Asked::Saga(begin(&CLERK_USER_SYNCED, key, &ClerkState::from(user))?)
        }
        Ok(ClerkWish::Forget { clerk_id }) => {
            let state = AccountState {
                user_id: String::new(),
                clerk_id,
            };
            Asked::Saga(begin(&CLERK_USER_DELETED, key, &state)?)
        }
        Ok(ClerkWish::Ignore(why)) => Asked::Nothing(why.to_owned()),
        Err(unreadable) => Asked::Unreadable(unreadable.to_string()),
    })
}

/// A user's wish to be forgotten.
pub(super) fn read_farewell(farewell: &AccountDeletionRequested) -> Result<(Event, Asked), Error> {
    let event = Event {
        provider: OWN.to_owned(),
        id: format!("account-deletion:{}", farewell.user_id),
        kind: "account.deletion_requested".to_owned(),
        body: Vec::new(),
    };
    let state = AccountState {
        user_id: farewell.user_id.clone(),
        clerk_id: String::new(),
    };
    let saga = begin(&ACCOUNT_DELETED, farewell.user_id.clone(), &state)?;
    Ok((event, Asked::Saga(saga)))
}

pub(super) fn complete_order(payment: Payment) -> Result<NewSaga, Error> {
    let key = payment.checkout_id.clone();
    let saga = begin(&ORDER_COMPLETED, key, &OrderState::from(payment))?;
    // A checkout is paid once; a second payment is money that an operator has to give back.
    Ok(NewSaga {
        told_by: Some("payment_intent_id"),
        ..saga
    })
}

pub(super) fn expire_checkout(checkout_id: String) -> Result<NewSaga, Error> {
    let state = ExpiryState {
        checkout_id: checkout_id.clone(),
    };
    begin(&CHECKOUT_EXPIRED, checkout_id, &state)
}

/// Each sum that went back until then has a saga: of one that tells nothing new there is nothing to do.
fn note_refund(refunded: PaymentRefunded) -> Result<NewSaga, Error> {
    let key = format!("{}:{}", refunded.payment_intent_id, refunded.refunded_cents);
    begin(&PAYMENT_REFUNDED, key, &RefundedState::from(refunded))
}

fn begin<S>(definition: &Definition<S>, key: String, state: &S) -> Result<NewSaga, Error>
where
    Definition<S>: crate::saga::AnySaga,
    S: Serialize,
{
    Ok(NewSaga {
        kind: definition.kind,
        version: definition.version,
        key,
        state: bson::serialize_to_document(state)?,
        owed: definition.owed_from(0),
        told_by: None,
    })
}
