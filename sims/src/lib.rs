//! Stand-ins for the outside parties of the mesh, for development and tests.
//!
//! Each speaks the real protocol, so that the services use the same
//! client against a stand-in and against the real thing. None of them belongs
//! in a production image.
//!
//! - [`stripe`]: Checkout Sessions, refunds, the hosted payment page and
//!   signed webhooks.
//! - [`clerk`]: users, session tokens and the keys that verify them, a sign-in page and signed webhooks.
//! - [`collector`]: takes traces and shows them as trees.
//! - [`mail`]: takes letters by SMTP.

pub mod clerk;
pub mod collector;
pub mod mail;
mod settings;
pub mod stripe;

use std::net::SocketAddr;

pub use settings::ConfigProblems;

/// An address to put into a URL: one that is bound to every interface is reached by name.
fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}
