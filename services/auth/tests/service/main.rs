//! The service through gRPC, on a real database.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod api_keys;
mod attempts;
mod callers;
mod clerk;
mod farewell;
mod fees;
mod first_sight;
mod indexes;
mod keys;
mod ledger_law;
mod linking;
mod named;
mod operators;
mod passwords;
mod purchases;
mod races;
mod recovery;
mod refresh;
mod refunds;
mod roles;
mod sales;
mod second_factor;
mod sign_in;
mod sign_up;
mod support;
mod users;
mod verification;
