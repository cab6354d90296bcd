//! For tests only: fresh databases and virtual hosts on real backends, waiting for states, identities,
//! calls between processes and who may make them.
//!
//! The backends are those that `cargo xtask test` starts and names in the environment, or those that
//! `cargo xtask backends up` left in `.reen/backends.json`.
#![expect(clippy::expect_used, reason = "a test harness fails by panicking")]

mod backends;
mod broker;
mod callers;
mod calls;
mod database;
mod peers;
mod process;
mod proxy;
mod wait;

pub use backends::Backends;
pub use broker::TestBroker;
pub use callers::{AccessTable, CallerChannel, CallerToken, Method};
pub use calls::{
    acting_for, acting_once, body, code, own_operation, refusal, saga_operation, settled,
};
pub use database::{TestDatabase, assert_sound, assert_uses_index};
pub use peers::{
    ANY_PORT, ANYWHERE, IDENTITY_SECRET, identity, in_background, peer, serve, url_of,
};
pub use process::Process;
pub use proxy::FaultProxy;
pub use wait::{PATIENCE, eventually};
