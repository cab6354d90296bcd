use mongodb::ClientSession;

use super::{Claim, IdempotencyError};
use crate::{Transaction, TransactionError};

/// An effect that is one write. With a name it is made in a transaction, together with its answer; without
/// one it is made alone, and costs nothing more.
///
/// ```text
/// let mut write = claim.begin(&database).await?;
/// loop {
///     let attempt = self.rename_once(write.session(), id, name).await;
///     if let Some(user) = write.settle(attempt).await? {
///         return Ok(user);
///     }
/// }
/// ```
pub struct LoneWrite<'claim, T> {
    claim: &'claim Claim<T>,
    transaction: Option<Transaction>,
}

impl<'claim, T> LoneWrite<'claim, T> {
    pub(super) fn new(claim: &'claim Claim<T>, transaction: Option<Transaction>) -> Self {
        Self { claim, transaction }
    }

    /// The session that the write belongs to, if to any.
    pub fn session(&mut self) -> Option<&mut ClientSession> {
        self.transaction.as_mut().map(Transaction::session)
    }

    /// As [`Transaction::settle`], with the answer kept.
    ///
    /// # Errors
    /// What the attempt refused with; the database's failure; [`IdempotencyError::InFlight`] when somebody
    /// else has taken the request over.
    pub async fn settle<E>(&mut self, attempt: Result<T, E>) -> Result<Option<T>, E>
    where
        E: TransactionError + From<IdempotencyError>,
    {
        let Some(transaction) = &mut self.transaction else {
            return attempt.map(Some);
        };
        let attempt = match attempt {
            Ok(done) => match self.claim.keep(transaction.session(), &done).await {
                Ok(()) => Ok(done),
                Err(lost) => Err(lost.into()),
            },
            refused @ Err(_) => refused,
        };
        transaction.settle(attempt).await
    }
}
