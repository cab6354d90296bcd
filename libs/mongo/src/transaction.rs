use mongodb::ClientSession;
use mongodb::error::Error as DriverError;

use crate::{Database, Error};

/// An error that can come out of a transaction: either the database's, or a rule's that ends it.
pub trait TransactionError: From<Error> {
    /// The database's error, when it is one; the driver decides from it whether to try again.
    fn database(&self) -> Option<&Error>;
}

impl TransactionError for Error {
    fn database(&self) -> Option<&Error> {
        Some(self)
    }
}

/// Runs `work` in a transaction and commits it. Conflicts and elections are retried, so `work` may
/// run several times; an error of a rule aborts and is returned as it is.
///
/// Capture clones in the closure, not references: it may run on any thread.
///
/// # Errors
/// What `work` refused with, or the database's failure.
pub async fn transaction<T, E, F>(database: &Database, mut work: F) -> Result<T, E>
where
    E: TransactionError,
    F: for<'session> AsyncFnMut(&'session mut ClientSession) -> Result<T, E>,
{
    let mut session = database
        .client()
        .start_session()
        .await
        .map_err(Error::from)?;
    let mut refusal = None;
    let outcome = session
        .start_transaction()
        .and_run2(async |session| match work(session).await {
            Ok(done) => Ok(done),
            Err(error) => {
                let driver = error.database().and_then(Error::driver).cloned();
                let cause = driver.unwrap_or_else(|| DriverError::custom("refused"));
                refusal = Some(error);
                Err(cause)
            }
        })
        .await;
    match (outcome, refusal) {
        (Ok(done), _) => Ok(done),
        (Err(error), Some(refused)) if error.get_custom::<&str>().is_some() => Err(refused),
        (Err(error), _) => Err(Error::from(error).into()),
    }
}
