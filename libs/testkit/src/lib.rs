//! For tests only: fresh databases and virtual hosts on real backends, waiting for states, identities.
//!
//! The backends are those that `cargo xtask test` starts and names in the environment, or those that
//! `cargo xtask backends up` left in `.reen/backends.json`.
#![expect(clippy::expect_used, reason = "a test harness fails by panicking")]

mod backends;
mod broker;
mod database;
mod peers;
mod proxy;
mod wait;

pub use backends::Backends;
pub use broker::TestBroker;
pub use database::{TestDatabase, assert_uses_index};
pub use peers::{IDENTITY_SECRET, identity, peer, serve};
pub use proxy::FaultProxy;
pub use wait::{PATIENCE, eventually, free_port};
