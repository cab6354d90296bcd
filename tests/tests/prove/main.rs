//! What others have made is asked whether it agrees: schemathesis about the documentation, Stripe's and
//! Svix's own libraries about signatures, and a shell about the commands that we tell people to type.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

mod conformance;
mod documents;
mod manual;
mod signatures;
