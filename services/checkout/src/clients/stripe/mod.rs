//! Stripe, which shows the payment page and takes the money.

mod client;
mod patience;
mod request;
mod wire;

use async_trait::async_trait;

use crate::domain::{Checkout, PaymentPage};
use crate::error::Error;

pub(crate) use client::Stripe;

/// Where a Checkout Session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionState {
    /// It can be paid.
    Open,
    Paid,
    /// The buyer is done, the money is still on its way.
    Processing,
    /// It never will be paid.
    Expired,
    /// There is none, so it never will be paid.
    Missing,
}

/// The payment provider.
///
/// Every call fails with `payment_refused` when the request itself is at fault, and with `unavailable`
/// when its outcome is not known; it was repeated then as long as there was time.
#[async_trait]
pub(crate) trait Payments: Send + Sync {
    /// Makes the payment page of a checkout. Repeated, it answers the first one's, even when that
    /// session is closed by now.
    async fn open_session(&self, checkout: &Checkout) -> Result<PaymentPage, Error>;

    async fn session(&self, session_id: &str) -> Result<SessionState, Error>;

    /// Sees to it that an open session cannot be paid any more, and answers where it stands then.
    async fn expire_session(&self, session_id: &str) -> Result<SessionState, Error>;
}
