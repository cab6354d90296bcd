//! The gateway over real HTTP, with a real broker and stand-ins for the services.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod admin;
mod api_keys;
mod bodies;
mod caching;
mod clerk;
mod clerk_tokens;
mod compression;
mod csrf;
mod documentation;
mod fields;
mod idempotency;
mod limits;
mod malformed;
mod manners;
mod outages;
mod overload;
mod products;
mod protocol;
mod recovery;
mod refunds;
mod second_factor;
mod sessions;
mod shopping;
mod support;
mod versions;
mod webhooks;
