//! What is deployed, as far as it can be tried without a container: the compose files and those of Kubernetes
//! against what the processes read, the nginx configuration with a real nginx before two gateways, the secrets,
//! the workflows.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails by panicking"
)]

mod compose;
mod image;
mod kubernetes;
mod nginx;
mod redis;
mod rolling;
mod support;
mod workflows;
