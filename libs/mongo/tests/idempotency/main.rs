//! Requests that clients named with a key, on a real replica set: one effect, one answer.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod counter;
mod deaths;
mod repeats;
