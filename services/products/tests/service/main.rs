//! The service through gRPC, on a real database; the peers that it calls are stand-ins.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod bulk;
mod catalogue;
mod fees;
mod holds;
mod idempotency;
mod listing;
mod news;
mod races;
mod removal;
mod repair;
mod stock_law;
mod support;
mod withdrawal;
