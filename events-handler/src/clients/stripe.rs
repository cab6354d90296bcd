use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use reen_error::{Code, Failure};
use secrecy::{ExposeSecret, SecretString};
use stripe::{
    Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest as _,
};
use stripe_core::refund::{CreateRefund, ListRefund};
use url::Url;

use super::{Payments, Refund};

const TIMEOUT: Duration = Duration::from_secs(8);
const ALREADY_REFUNDED: &str = "charge_already_refunded";

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

    /// Stripe forgets an idempotency key after a day; its refunds it never forgets.
    async fn find_refund(&self, payment_intent_id: &str) -> Result<String, Failure> {
        let made = ListRefund::new()
            .payment_intent(payment_intent_id)
            .send(&self.client)
            .await;
        let made = made.map_err(failure)?;
        let newest = made.data.first();
        newest
            .map(|refund| refund.id.to_string())
            .ok_or_else(|| Failure::new(Code::Internal, "refunded already, but no refund is there"))
    }
}

#[async_trait]
impl Payments for Stripe {
    async fn refund(&self, refund: Refund<'_>) -> Result<String, Failure> {
        let key = IdempotencyKey::new(refund.idempotency_key)
            .map_err(|error| Failure::new(Code::Internal, error.to_string()))?;
        let checkout = HashMap::from([("checkout_id".to_owned(), refund.checkout_id.to_owned())]);
        let created = CreateRefund::new()
            .payment_intent(refund.payment_intent_id)
            .metadata(checkout)
            .customize()
            .request_strategy(RequestStrategy::Idempotent(key))
            .send(&self.client)
            .await;
        match created {
            Ok(created) => Ok(created.id.to_string()),
            Err(error) if is_already_refunded(&error) => {
                self.find_refund(refund.payment_intent_id).await
            }
            Err(error) => Err(failure(error)),
        }
    }
}

fn is_already_refunded(error: &StripeError) -> bool {
    let StripeError::Stripe(reported, _) = error else {
        return false;
    };
    reported
        .code
        .as_ref()
        .is_some_and(|code| code.as_str() == ALREADY_REFUNDED)
}

/// Nothing is final here: money that is owed stays owed until Stripe takes it back or an operator
/// settles it.
fn failure(error: StripeError) -> Failure {
    match error {
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
        other => Failure::new(
            Code::Unavailable,
            format!("Stripe cannot be reached: {other}"),
        ),
    }
}
