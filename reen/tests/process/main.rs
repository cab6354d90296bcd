//! The processes as they are: started with settings that are wrong, stopped in the middle of their work,
//! without what they depend on.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

mod log;
mod settings;
mod stopping;
mod stores;
mod support;
