//! What is deployed, as far as it can be tried without a container: the compose files against what the
//! processes read, the nginx configuration with a real nginx before two gateways, the secrets.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails by panicking"
)]

mod compose;
mod image;
mod nginx;
mod redis;
mod support;
