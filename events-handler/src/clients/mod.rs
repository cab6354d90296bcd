//! The outside parties: the services, the payment provider, the post.

mod letter;
mod mail;
mod services;
mod stripe;

use std::sync::Arc;

use async_trait::async_trait;
use reen_error::Failure;

pub(crate) use letter::{Letter, LetterLine};
pub(crate) use mail::Post;
pub use mail::{MailSettings, PostError};
pub(crate) use services::{ServiceAddresses, Services};
pub(crate) use stripe::Stripe;
pub use stripe::StripeSettings;

/// A payment that goes back as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refund<'refund> {
    pub(crate) payment_intent_id: &'refund str,
    pub(crate) idempotency_key: &'refund str,
    pub(crate) checkout_id: &'refund str,
}

/// The payment provider.
#[async_trait]
pub(crate) trait Payments: Send + Sync {
    /// Refunds what was paid and answers the refund's id; a repeat answers the same one.
    async fn refund(&self, refund: Refund<'_>) -> Result<String, Failure>;
}

/// The post.
#[async_trait]
pub(crate) trait Mailer: Send + Sync {
    /// Hands a letter over for delivery; `id` is the same at every try.
    async fn send(
        &self,
        id: &str,
        name: &str,
        address: &str,
        letter: Letter,
    ) -> Result<(), Failure>;
}

/// Everybody whom a saga's steps talk to.
pub(crate) struct Parties {
    services: Services,
    payments: Arc<dyn Payments>,
    mailer: Arc<dyn Mailer>,
}

impl Parties {
    pub(crate) fn new(
        services: Services,
        payments: Arc<dyn Payments>,
        mailer: Arc<dyn Mailer>,
    ) -> Self {
        Self {
            services,
            payments,
            mailer,
        }
    }

    pub(crate) fn payments(&self) -> &dyn Payments {
        &*self.payments
    }

    pub(crate) fn mailer(&self) -> &dyn Mailer {
        &*self.mailer
    }
}
