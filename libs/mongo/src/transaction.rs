use std::time::Duration;

use mongodb::ClientSession;
use mongodb::action::{Action as _, StartTransaction};
use mongodb::error::{
    Error as DriverError, ErrorKind, TRANSIENT_TRANSACTION_ERROR,
    UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};
use reen_chassis::CallContext;
use tokio::time::Instant;

use crate::deadline::time_left;
use crate::pause::Pause;
use crate::{Database, Error};

/// Whoever waits gives up with its deadline; this ends what nobody waits for.
const PATIENCE: Duration = Duration::from_secs(30);
const WRITE_CONFLICT: i32 = 112;

/// An error that can come out of a transaction or a snapshot: either the database's, or a rule's that ends it.
pub trait TransactionError: From<Error> {
    /// The database's error, when it is one; whether to try again follows from it.
    fn database(&self) -> Option<&Error>;
}

impl TransactionError for Error {
    fn database(&self) -> Option<&Error> {
        Some(self)
    }
}

/// A transaction that is tried until it is settled.
///
/// ```text
/// let mut transaction = Transaction::begin(&database).await?;
/// loop {
///     let attempt = self.post_once(transaction.session(), &posting).await;
///     if let Some(posted) = transaction.settle(attempt).await? {
///         return Ok(posted);
///     }
/// }
/// ```
///
/// Write conflicts and elections are tried again after a pause that grows at random; dropping it
/// unsettled aborts.
pub struct Transaction {
    session: ClientSession,
    give_up: Instant,
    pause: Pause,
}

impl Transaction {
    /// Starts a session and its first attempt.
    ///
    /// # Errors
    /// When no server can be reached.
    pub async fn begin(database: &Database) -> Result<Self, Error> {
        let mut session = database.client().start_session().await?;
        start(&mut session).await?;
        let patience = CallContext::current().remaining(PATIENCE);
        Ok(Self {
            session,
            give_up: Instant::now() + patience,
            pause: Pause::first(),
        })
    }

    /// The session to which every operation of this transaction belongs.
    pub fn session(&mut self) -> &mut ClientSession {
        &mut self.session
    }

    /// Commits a successful attempt and answers its value; answers `None` when the attempt has to be
    /// made anew, from its beginning.
    ///
    /// # Errors
    /// What the attempt refused with, after aborting; or the database's failure.
    pub async fn settle<T, E>(&mut self, attempt: Result<T, E>) -> Result<Option<T>, E>
    where
        E: TransactionError,
    {
        let failure = match attempt {
            Ok(value) => match self.commit().await {
                Ok(()) => return Ok(Some(value)),
                Err(error) => E::from(error),
            },
            Err(refused) => refused,
        };
        let is_transient = failure.database().is_some_and(is_transient);
        // An abort that fails leaves nothing behind: the server aborts what is not committed.
        let _aborted = self.session.abort_transaction().await;
        if !is_transient || Instant::now() >= self.give_up {
            return Err(failure);
        }
        self.pause.wait().await;
        start(&mut self.session).await?;
        Ok(None)
    }

    /// A commit whose outcome is not known is repeated: the server tells a repeat.
    async fn commit(&mut self) -> Result<(), Error> {
        loop {
            match self.session.commit_transaction().await {
                Ok(()) => return Ok(()),
                Err(error)
                    if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
                        && Instant::now() < self.give_up =>
                {
                    self.pause.wait().await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// A commit ends with the call that it is made for, as each operation does.
async fn start(session: &mut ClientSession) -> Result<(), Error> {
    let starting = session.start_transaction();
    let within = starting.optional(time_left(), StartTransaction::max_commit_time);
    Ok(within.await?)
}

fn is_transient(error: &Error) -> bool {
    error.driver().is_some_and(|error| {
        error.contains_label(TRANSIENT_TRANSACTION_ERROR) || is_write_conflict(error)
    })
}

/// As a statement of [`crate::update_each`] reports it: there the server sets no label.
fn is_write_conflict(error: &DriverError) -> bool {
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.code == WRITE_CONFLICT,
        _ => false,
    }
}
