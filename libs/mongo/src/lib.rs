//! MongoDB as every service uses it: one database each, indexes made at start, searches that end with
//! the call that they are made for, transactions that are retried, group commit, the fence that keeps
//! stale sagas out, and the answers to requests that clients named.

mod bulk;
mod collection;
mod database;
mod deadline;
mod error;
mod fence;
mod group;
mod guarded;
mod idempotency;
mod index;
mod transaction;

pub use bulk::update_each;
pub use collection::Collection;
pub use database::Database;
pub use error::Error;
pub use fence::{Fence, FenceError};
pub use group::{Group, Together};
pub use guarded::GuardedWrites;
pub use idempotency::{Claim, Idempotency, IdempotencyError, LoneWrite};
pub use index::sync_indexes;
pub use transaction::{Transaction, TransactionError};
