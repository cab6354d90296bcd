//! Stand-ins for the outside parties of the mesh, for development and tests.
//!
//! Each speaks the real protocol over HTTP, so that the services use the same
//! client against a stand-in and against the real thing. None of them belongs
//! in a production image.
//!
//! - [`stripe`]: Checkout Sessions, refunds, the hosted payment page and
//!   signed webhooks.
//! - [`clerk`]: signed webhooks that tell of users.

pub mod clerk;
pub mod stripe;
