//! The gateway over real HTTP, with a real broker and stand-ins for the services.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod admin;
mod bodies;
mod clerk;
mod clerk_tokens;
mod documentation;
mod fields;
mod limits;
mod malformed;
mod outages;
mod products;
mod protocol;
mod refunds;
mod sessions;
mod shopping;
mod support;
mod webhooks;
