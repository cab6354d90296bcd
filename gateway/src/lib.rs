//! The edge of the mesh: REST in, gRPC out.
//!
//! It parses and validates requests, verifies access tokens and the signatures of webhooks, asks the
//! services on behalf of the signed-in user, joins what they answer, and shows every failure as a
//! problem document (RFC 9457). What its `OpenAPI` document says of an operation (who may call it, which
//! query and which body it takes) is what is enforced: `rules` reads it back at start.
//!
//! It never holds a business rule, a database or a session; never computes with money; never answers
//! from what it remembers for longer than two seconds, nor anything but what everybody may see; and never
//! accepts a webhook that is not stored yet.

mod app;
mod cache;
mod config;
mod cookies;
mod cursor;
mod error;
mod etag;
mod events;
mod extract;
#[cfg(test)]
mod fuzz;
mod gateway;
mod health;
mod idempotency;
mod joins;
mod limits;
mod middleware;
mod money;
mod openapi;
mod origins;
mod paging;
mod peers;
mod problem;
mod redis;
mod routes;
mod rules;
mod scope;
mod serve;
mod stripe_signature;
mod svix_signature;
mod tokens;
mod version;
mod views;

pub use app::{App, BuildError};
pub use config::Config;
pub use openapi::Documents;
pub use tokens::{ClerkIssuer, Parties};

/// The name of this process among its peers.
pub const NAME: &str = "gateway";
