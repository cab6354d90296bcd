//! What every process needs alike: configuration, telemetry, shutdown, the gRPC and admin servers,
//! channels to peers, deadlines and the identity of callers.
//!
//! The chassis knows no service by name and holds no business rule.

pub mod admin;
pub mod client;
pub mod config;
pub mod context;
pub mod gather;
pub mod idempotency;
pub mod identity;
pub mod jwt;
pub mod metrics;
pub mod neighbours;
pub mod operation;
pub mod server;
pub mod shutdown;
pub mod telemetry;
pub mod tls;

pub use context::{CallContext, Caller};
pub use idempotency::{Answered, IdempotencyKey, RequestKey};
pub use operation::Operation;
