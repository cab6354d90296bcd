//! Where a Checkout Session stands at Stripe.

use reen_error::{Code, Failure};
use stripe::Client;
use stripe_checkout::checkout_session::RetrieveCheckoutSession;
use stripe_checkout::{CheckoutSession, CheckoutSessionPaymentStatus, CheckoutSessionStatus};
use stripe_core::{PaymentIntent, PaymentIntentStatus};
use stripe_types::Expandable;

use super::stripe::failure;

/// What Stripe says of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionState {
    Paid(Receipt),
    /// It never will be paid: it expired, or its delayed payment failed.
    Over,
    /// It can still be paid, or its money is on its way.
    Pending,
}

/// What Stripe collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) payment_intent_id: String,
    pub(crate) amount_cents: i64,
    /// ISO 4217, lower case.
    pub(crate) currency: String,
}

/// Asks once. `payment_refused` when Stripe refuses to tell, e.g. of a session that it does not know;
/// `unavailable` or `deadline_exceeded` when it may tell later.
pub(super) async fn retrieve(client: &Client, session_id: &str) -> Result<SessionState, Failure> {
    let request =
        RetrieveCheckoutSession::new(session_id).expand(vec!["payment_intent".to_owned()]);
    // Stripe's object has kilobytes.
    let session = Box::pin(request.send(client)).await.map_err(failure)?;
    state_of(session)
}

fn state_of(session: CheckoutSession) -> Result<SessionState, Failure> {
    match session.status {
        Some(CheckoutSessionStatus::Expired) => Ok(SessionState::Over),
        Some(CheckoutSessionStatus::Complete) => complete(session),
        // What is not known to be over may still be paid.
        _ => Ok(SessionState::Pending),
    }
}

fn complete(session: CheckoutSession) -> Result<SessionState, Failure> {
    let intent = session.payment_intent;
    match session.payment_status {
        CheckoutSessionPaymentStatus::Paid => Ok(SessionState::Paid(Receipt {
            payment_intent_id: intent
                .map(|intent| intent.id().to_string())
                .ok_or_else(|| missing("payment_intent"))?,
            amount_cents: session
                .amount_total
                .ok_or_else(|| missing("amount_total"))?,
            currency: session
                .currency
                .map(|currency| currency.to_string())
                .ok_or_else(|| missing("currency"))?,
        })),
        _ if intent.is_some_and(|intent| has_failed(&intent)) => Ok(SessionState::Over),
        _ => Ok(SessionState::Pending),
    }
}

/// Whether a delayed payment failed in the end: a complete session offers no other try.
fn has_failed(intent: &Expandable<PaymentIntent>) -> bool {
    intent.as_object().is_some_and(|intent| {
        matches!(
            intent.status,
            PaymentIntentStatus::RequiresPaymentMethod | PaymentIntentStatus::Canceled
        )
    })
}

fn missing(field: &str) -> Failure {
    Failure::new(Code::Internal, format!("a paid session has no {field}"))
}
