//! The catalogue and its stock.
//!
//! For every product, available + held + sold = stocked and none is ever negative: pieces only move
//! between these, each move in one transaction with the record of the hold that caused it. It keeps
//! no money: the fee for a listing is charged to the ledger of auth, and given back when the listing
//! comes to nothing, even if this process dies in between.

mod app;
mod clients;
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
pub const NAME: &str = "products";
