//! The outside parties: the services, the payment provider, the post.

mod letter;
mod mail;
mod refund;
mod services;
mod session;
mod stripe;

use std::sync::Arc;

use async_trait::async_trait;
use reen_error::Failure;
use url::Url;

pub(crate) use letter::{Letter, LetterLine};
pub(crate) use mail::Post;
pub use mail::{MailSettings, PostError};
pub(crate) use refund::{MadeRefund, Refund};
pub(crate) use services::{ServiceAddresses, Services};
pub(crate) use session::{Receipt, SessionState};
pub(crate) use stripe::Stripe;
pub use stripe::StripeSettings;

/// The payment provider.
#[async_trait]
pub(crate) trait Payments: Send + Sync {
    /// Gives money back and answers the refund's id at Stripe; a repeat answers the same one.
    /// `payment_refused` when Stripe would not, e.g. because there is not so much left.
    async fn refund(&self, refund: Refund<'_>) -> Result<String, Failure>;

    /// Every refund of a payment, whoever made it; the newest first.
    async fn refunds(&self, payment_intent_id: &str) -> Result<Vec<MadeRefund>, Failure>;

    /// Where a Checkout Session stands. `payment_refused` when it is not known.
    async fn session(&self, session_id: &str) -> Result<SessionState, Failure>;
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
        letter: &Letter,
    ) -> Result<(), Unsent>;
}

/// Why a letter is not on its way. It never says to whom, because sagas and logs keep it.
#[derive(Debug)]
pub(crate) enum Unsent {
    /// This one was not taken; another may be.
    Refused(Failure),
    /// No other would be taken now.
    Away(Failure),
}

impl From<Unsent> for Failure {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Refused(failure) | Unsent::Away(failure) => failure,
        }
    }
}

/// Everybody whom a saga's steps talk to.
pub(crate) struct Parties {
    services: Services,
    payments: Arc<dyn Payments>,
    mailer: Arc<dyn Mailer>,
    /// Where letters send their readers.
    storefront: Url,
}

impl Parties {
    pub(crate) fn new(
        services: Services,
        payments: Arc<dyn Payments>,
        mailer: Arc<dyn Mailer>,
        storefront: Url,
    ) -> Self {
        Self {
            services,
            payments,
            mailer,
            storefront,
        }
    }

    /// The URL of a page of the storefront.
    pub(crate) fn page(&self, path: &str) -> String {
        let base = self.storefront.as_str().trim_end_matches('/');
        format!("{base}/{path}")
    }

    pub(crate) fn payments(&self) -> &dyn Payments {
        &*self.payments
    }

    pub(crate) fn mailer(&self) -> &dyn Mailer {
        &*self.mailer
    }
}
