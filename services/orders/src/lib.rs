//! What was bought: one order for each checkout that was paid.
//!
//! An order is a copy of what the buyer saw when he paid; it never changes with the catalogue, only its
//! status and its refunds do. It keeps no stock and moves no money: it says how much of it may go back,
//! and tells who sees to it. In how many orders each product is, is counted in the same transaction as
//! the order itself.

mod app;
mod config;
mod domain;
mod error;
mod events;
mod grpc;
mod service;
mod store;

pub use app::{App, BuildError};
pub use config::Config;
pub use store::schema;

/// The name of this process among its peers.
pub const NAME: &str = "orders";
