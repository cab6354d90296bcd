//! From a cart to a payment page, and what becomes of it: one checkout for each try to buy.
//!
//! A checkout is a snapshot (what was bought, at which price), a hold on the stock and a Stripe
//! Checkout Session. It never takes money itself and never makes an order: Stripe's webhook starts the
//! saga that does, and the saga's steps end here. Stock is given back only when Stripe says that the
//! session cannot be paid any more.

mod app;
mod clients;
mod config;
mod domain;
mod error;
mod grpc;
mod service;
mod store;

pub use app::{App, BuildError};
pub use config::{Config, Sweeping, Terms};
pub use store::schema;

/// The name of this process among its peers.
pub const NAME: &str = "checkout";
