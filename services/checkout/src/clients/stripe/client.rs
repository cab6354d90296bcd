use std::time::Duration;

use async_trait::async_trait;
use reen_chassis::telemetry::trace;
use secrecy::SecretString;
use stripe::{
    ApiErrors, ApiErrorsType, IdempotencyKey, RequestStrategy, StripeError, StripeRequest,
};
use stripe_checkout::checkout_session::{ExpireCheckoutSession, RetrieveCheckoutSession};
use stripe_checkout::{CheckoutSession, CheckoutSessionPaymentStatus, CheckoutSessionStatus};
use url::Url;

use super::patience::until_known;
use super::request::{ReturnPages, new_session};
use super::wire::Wire;
use super::{Payments, SessionState};
use crate::domain::{Checkout, PaymentPage};
use crate::error::Error;

const NOT_FOUND: u16 = 404;

/// Stripe, or a stand-in that speaks its API.
pub(crate) struct Stripe {
    wire: Wire,
    return_pages: ReturnPages,
}

impl Stripe {
    /// A client for `api_base`, or for Stripe itself. Connects when first used.
    pub(crate) fn connect(
        secret_key: &SecretString,
        api_base: Option<&Url>,
        frontend: &Url,
    ) -> Result<Self, StripeError> {
        Ok(Self {
            wire: Wire::to(secret_key, api_base)?,
            return_pages: ReturnPages::of(frontend),
        })
    }

    /// One try. What is kept of a session is small, Stripe's object has kilobytes: hence the box.
    async fn send<R>(
        &self,
        request: &R,
        strategy: RequestStrategy,
        timeout: Duration,
    ) -> Result<Seen, StripeError>
    where
        R: StripeRequest<Output = CheckoutSession> + Sync,
    {
        let sending = request
            .customize()
            .request_strategy(strategy)
            .timeout(timeout)
            .send(&self.wire);
        let sending = Box::pin(sending);
        let sent = trace::outgoing("stripe", "checkout session", sending).await;
        sent.map(Seen::from)
    }
}

#[async_trait]
impl Payments for Stripe {
    async fn open_session(&self, checkout: &Checkout) -> Result<PaymentPage, Error> {
        let request = new_session(checkout, &self.return_pages);
        let key = IdempotencyKey::new(checkout.id.to_hex())
            .map_err(|error| Error::PaymentsAway(error.to_string()))?;
        let strategy = || RequestStrategy::Idempotent(key.clone());
        let opened = until_known(|timeout| self.send(&request, strategy(), timeout))
            .await
            .map_err(failure)?;
        let url = opened
            .url
            .ok_or_else(|| Error::PaymentsAway("a new session without a page".to_owned()))?;
        Ok(PaymentPage {
            session_id: opened.id,
            url,
        })
    }

    async fn session(&self, session_id: &str) -> Result<SessionState, Error> {
        let request = RetrieveCheckoutSession::new(session_id);
        let seen = until_known(|timeout| self.send(&request, RequestStrategy::Once, timeout)).await;
        match seen {
            Ok(session) => Ok(session.state),
            Err(StripeError::Stripe(_, NOT_FOUND)) => Ok(SessionState::Missing),
            Err(error) => Err(failure(error)),
        }
    }

    async fn expire_session(&self, session_id: &str) -> Result<SessionState, Error> {
        let request = ExpireCheckoutSession::new(session_id);
        let seen = until_known(|timeout| self.send(&request, RequestStrategy::Once, timeout)).await;
        match seen.map_err(failure) {
            Ok(session) => Ok(session.state),
            // Stripe expires only open sessions: it was paid, or expired by an earlier try.
            Err(Error::PaymentRefused) => self.session(session_id).await,
            Err(error) => Err(error),
        }
    }
}

/// What is kept of a session.
struct Seen {
    id: String,
    url: Option<String>,
    state: SessionState,
}

impl From<CheckoutSession> for Seen {
    fn from(session: CheckoutSession) -> Self {
        use CheckoutSessionPaymentStatus::{NoPaymentRequired, Paid};
        let is_paid = matches!(session.payment_status, Paid | NoPaymentRequired);
        let state = match session.status {
            Some(CheckoutSessionStatus::Expired) => SessionState::Expired,
            Some(CheckoutSessionStatus::Complete) if is_paid => SessionState::Paid,
            Some(CheckoutSessionStatus::Complete) => SessionState::Processing,
            // What is not known to be over may still be paid.
            _ => SessionState::Open,
        };
        Self {
            id: session.id.to_string(),
            url: session.url,
            state,
        }
    }
}

/// Stripe's words are for operators: they name parameters and never help a buyer.
fn failure(error: StripeError) -> Error {
    match error {
        StripeError::Stripe(details, status) if is_refusal(&details, status) => {
            let (code, message) = (details.code, details.message);
            tracing::warn!(status, ?code, message, "Stripe refused a request");
            Error::PaymentRefused
        }
        StripeError::Stripe(details, status) => {
            let message = details.message.unwrap_or_default();
            Error::PaymentsAway(format!("{status} {message}"))
        }
        other => Error::PaymentsAway(other.to_string()),
    }
}

/// A key that Stripe does not accept is the operator's fault, and one that was used for another
/// request proves that there was one: neither says that there is no session.
fn is_refusal(details: &ApiErrors, status: u16) -> bool {
    let is_request_at_fault = matches!(status, 400 | 402 | NOT_FOUND);
    is_request_at_fault && details.type_ != ApiErrorsType::IdempotencyError
}
