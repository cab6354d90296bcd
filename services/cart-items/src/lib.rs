//! What each user means to buy: one item for each user and product.
//!
//! It never holds a price (the catalogue's is the one that counts), and never promises stock: a
//! quantity is checked when it is set, and reserved only at checkout.

mod app;
mod clients;
mod config;
mod domain;
mod error;
mod grpc;
mod service;
mod store;

pub use app::{App, BuildError};
pub use config::Config;
pub use store::schema;

/// The name of this process among its peers.
pub const NAME: &str = "cart-items";
