//! The checker: whether money, stock and orders are right over all six databases, and what is not.
//!
//! It only reads, and knows the documents of the services as they are stored; it shares no code with
//! them, so that a mistake of theirs is not its own.
//!
//! # On a mesh at work
//!
//! Nothing that is merely on its way is a finding:
//!
//! - What one service changes together is read at one point in time, from a snapshot: a product with
//!   its holds, a user with the postings. Where a collection is made meanwhile, all is read anew.
//! - What several services change one after the other is changed by sagas. Of each purchase the sagas
//!   are read first and everything else after them: where all of them have ended, all that they did is
//!   there. Where one has not, the purchase is left alone until the saga's deadline has passed; then the
//!   saga is a finding.
//! - What a sweeper does in its own time (releasing a hold, giving a fee back) has a deadline as well.
//! - Whatever looks wrong is looked at once more after a pause, and is a finding only if it still does.
//!
//! On a quiet mesh ([`Terms::quiet`]) the deadlines of sagas, refunds and messages do not count: every
//! one that has not ended is a finding.
//!
//! # Memory
//!
//! Collections are read in batches of ids, sums are made by the database. What is kept is one batch,
//! at most a thousand suspects and at most a thousand findings.

mod account;
mod databases;
mod error;
mod fields;
mod finding;
mod ledger;
mod order;
mod progress;
mod purchase;
mod sagas;
mod stock;
mod sweep;
mod tally;
mod terms;
mod waiting;

pub use databases::Databases;
pub use error::Error;
pub use finding::{Finding, Invariant, Report, Subject};
pub use progress::{Glance, Progress};
pub use terms::Terms;

use sweep::Checker;

/// Checks everything.
///
/// # Errors
/// When a database cannot be read. What is stored and cannot be read is a finding, not an error.
pub async fn check(
    databases: &Databases,
    terms: Terms,
    progress: &Progress,
) -> Result<Report, Error> {
    databases.are_of_a_mesh().await?;
    let mut checker = Checker::new(databases, terms, progress);
    purchase::check(&mut checker).await?;
    order::check(&mut checker).await?;
    stock::check(&mut checker).await?;
    ledger::check(&mut checker).await?;
    sagas::check(&mut checker).await?;
    waiting::check(&mut checker).await?;
    Ok(checker.into_report())
}
