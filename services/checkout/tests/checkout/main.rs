//! The service through gRPC, on a real database and Stripe's stand-in.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends where its set-up fails"
)]

mod canceling;
mod opening;
mod payments;
mod retries;
mod saga_steps;
mod support;
mod sweeping;
mod unsettled;
