//! The Stripe stand-in, through the client that the services use.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends where its set-up fails"
)]

mod client;
mod faults;
mod idempotency;
mod page;
mod restart;
mod support;
mod validation;
mod webhooks;
