//! MongoDB as every service uses it: one database each, indexes made at start, transactions that are
//! retried, group commit, and the fence that keeps stale sagas out.

mod bulk;
mod database;
mod error;
mod fence;
mod group;
mod guarded;
mod index;
mod transaction;

pub use bulk::update_each;
pub use database::Database;
pub use error::Error;
pub use fence::{Fence, FenceError};
pub use group::{Group, Together};
pub use guarded::GuardedWrites;
pub use index::sync_indexes;
pub use transaction::{Transaction, TransactionError};
