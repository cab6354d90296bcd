//! MongoDB as every service uses it: one database each, indexes made at start, transactions that are
//! retried, and the fence that keeps stale sagas out.

mod database;
mod error;
mod fence;
mod index;
mod lanes;
mod transaction;

pub use database::Database;
pub use error::Error;
pub use fence::{Fence, FenceError};
pub use index::sync_indexes;
pub use lanes::{Lanes, Turn};
pub use transaction::{Transaction, TransactionError};
