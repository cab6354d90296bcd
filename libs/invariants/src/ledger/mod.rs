//! The ledger: each posting, what users have of them, and the fees that other services charged.

mod balances;
mod counts;
mod fees;
mod postings;
mod reversals;

use crate::Error;
use crate::sweep::Checker;

pub(crate) async fn check(checker: &mut Checker<'_>) -> Result<(), Error> {
    postings::check(checker).await?;
    reversals::check(checker).await?;
    balances::check(checker).await?;
    counts::check(checker).await?;
    fees::check(checker).await
}
