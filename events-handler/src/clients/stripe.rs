use std::time::Duration;

use async_trait::async_trait;
use reen_chassis::telemetry::trace;
use reen_error::{Code, Failure};
use secrecy::{ExposeSecret, SecretString};
use stripe::{Client, ClientBuilder, StripeError};
use url::Url;

use super::Payments;
use super::refund::{self, MadeRefund, Refund};
use super::session::{SessionState, retrieve};

const PARTY: &str = "stripe";
const TIMEOUT: Duration = Duration::from_secs(8);

/// How to reach Stripe.
#[derive(Clone, Debug)]
pub struct StripeSettings {
    /// `STRIPE_SECRET_KEY`.
    pub secret_key: SecretString,
    /// `STRIPE_API_BASE`; absent means Stripe itself.
    pub api_base: Option<Url>,
}

/// Stripe over its HTTP API.
pub(crate) struct Stripe {
    client: Client,
}

impl Stripe {
    pub(crate) fn new(settings: &StripeSettings) -> Result<Self, StripeError> {
        let mut builder = ClientBuilder::new(settings.secret_key.expose_secret()).timeout(TIMEOUT);
        if let Some(base) = &settings.api_base {
            builder = builder.url(base.as_str());
        }
        Ok(Self {
            client: builder.build()?,
        })
    }
}

#[async_trait]
impl Payments for Stripe {
    async fn refund(&self, refund: Refund<'_>) -> Result<String, Failure> {
        trace::outgoing(PARTY, "refund", refund::make(&self.client, refund)).await
    }

    async fn refunds(&self, payment_intent_id: &str) -> Result<Vec<MadeRefund>, Failure> {
        let listing = refund::list(&self.client, payment_intent_id);
        trace::outgoing(PARTY, "list refunds", listing).await
    }

    async fn session(&self, session_id: &str) -> Result<SessionState, Failure> {
        let retrieving = retrieve(&self.client, session_id);
        trace::outgoing(PARTY, "read session", retrieving).await
    }
}

/// What Stripe's failures mean here: `payment_refused` when it would refuse the same again,
/// `unavailable` or `deadline_exceeded` when the same may go well later.
pub(super) fn failure(error: StripeError) -> Failure {
    match error {
        // https://docs.stripe.com/error-low-level; and a key that is refused is ours to set right.
        StripeError::Stripe(_, status @ (401 | 403 | 409 | 424 | 429 | 500..)) => {
            Failure::new(Code::Unavailable, format!("Stripe answered {status}"))
        }
        StripeError::Stripe(reported, status) => {
            let why = reported.message.unwrap_or_default();
            Failure::new(
                Code::PaymentRefused,
                format!("Stripe answered {status}: {why}"),
            )
        }
        StripeError::Timeout => {
            Failure::new(Code::DeadlineExceeded, "Stripe did not answer in time")
        }
        StripeError::ClientError(why) => Failure::new(
            Code::Unavailable,
            format!("Stripe cannot be reached: {why}"),
        ),
        unreadable => Failure::new(Code::Internal, unreadable.to_string()),
    }
}
