//! Who the users are, who is signed in, and the ledger: every movement of money is one posting whose
//! legs sum to zero, and balances follow from the postings.
//!
//! A password or its hash never leaves this crate. It never decides what something costs, and never
//! speaks to a payment provider: it books what it is told by those who know.

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
pub use config::{ClerkApi, Config};
pub use domain::{NotASealingKey, SealingKey};
pub use store::schema;

/// The name of this process among its peers.
pub const NAME: &str = "auth";
