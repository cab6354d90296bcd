//! Webhooks as sagas: what a payment, an expiry or a farewell sets off across the services, carried
//! through to its end or undone, whatever crashes in between.
//!
//! It never talks to a browser, and never decides a price or a stock: it asks the services that own
//! them, each step under an operation id of its own.

mod app;
mod clients;
mod config;
mod domain;
mod error;
mod events;
mod grpc;
mod saga;
mod sagas;
mod service;
mod store;

pub use app::{App, BuildError, RunError};
pub use clients::{MailSettings, PostError, StripeSettings};
pub use config::Config;
pub use saga::{Outline, StepOutline};
pub use sagas::outlines;
pub use store::schema;

/// The name of this process among its peers.
pub const NAME: &str = "events-handler";
