//! A channel over several replicas that come and go: who is asked, what is asked again, and what never is.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of a test fail by panicking"
)]

mod coming;
mod failing;
mod going;
mod support;
