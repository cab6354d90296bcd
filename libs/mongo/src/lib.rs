//! MongoDB as every service uses it: one database each, migrated from version to version, searches that end with
//! the call that they are made for, transactions that are retried, reads of one point in time, group
//! commit, the fence that keeps stale sagas out, and the answers to requests that clients named.

mod bulk;
mod collection;
mod commands;
mod count;
mod database;
mod deadline;
mod error;
mod fence;
mod group;
mod guarded;
mod idempotency;
mod migration;
mod pause;
mod pool;
mod probe;
mod snapshot;
mod transaction;

pub use bulk::update_each;
pub use collection::Collection;
pub use database::Database;
pub use error::Error;
pub use fence::{Fence, FenceError};
pub use group::{Group, Together};
pub use guarded::GuardedWrites;
pub use idempotency::{Claim, Idempotency, IdempotencyError, LoneWrite};
pub use migration::{
    Applied, Deviation, Drift, Holder, Indexes, Migration, Misfit, PASSING_COLLECTIONS, Rewrite,
    Schema, Standing, Until,
};
pub use snapshot::Snapshot;
pub use transaction::{Transaction, TransactionError};
