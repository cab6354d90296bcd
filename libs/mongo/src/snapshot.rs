use mongodb::ClientSession;
use mongodb::error::{Error as DriverError, ErrorKind};

use crate::pause::Pause;
use crate::{Database, Error, TransactionError};

/// What the server says of a collection that was made after the point in time.
const SNAPSHOT_UNAVAILABLE: i32 = 246;
/// Collections are not made so often in a row.
const MOST_ATTEMPTS: u32 = 10;

/// Reads of one point in time, from collections as [`Collection::of_snapshots`] answers them.
///
/// ```text
/// let mut snapshot = Snapshot::begin(&database).await?;
/// loop {
///     let attempt = self.compare_once(snapshot.session()).await;
///     if let Some(compared) = snapshot.settle(attempt).await? {
///         return Ok(compared);
///     }
/// }
/// ```
///
/// MongoDB reads no collection that was made after the point in time, be it only by its first document.
/// Then all is read once more, from a later point in time.
///
/// [`Collection::of_snapshots`]: crate::Collection::of_snapshots
pub struct Snapshot {
    database: Database,
    session: ClientSession,
    attempts: u32,
    pause: Pause,
}

impl Snapshot {
    /// Starts a session; its first read takes the point in time.
    ///
    /// # Errors
    /// When no server can be reached.
    pub async fn begin(database: &Database) -> Result<Self, Error> {
        Ok(Self {
            database: database.clone(),
            session: start(database).await?,
            attempts: 1,
            pause: Pause::first(),
        })
    }

    /// The session to which every read belongs.
    pub fn session(&mut self) -> &mut ClientSession {
        &mut self.session
    }

    /// Answers the value of a successful attempt, and `None` when the attempt has to be made anew, from
    /// its beginning.
    ///
    /// # Errors
    /// What the attempt failed with.
    pub async fn settle<T, E>(&mut self, attempt: Result<T, E>) -> Result<Option<T>, E>
    where
        E: TransactionError,
    {
        let failure = match attempt {
            Ok(value) => return Ok(Some(value)),
            Err(failure) => failure,
        };
        let error = failure.database().and_then(Error::driver);
        if !error.is_some_and(is_unavailable) || self.attempts == MOST_ATTEMPTS {
            return Err(failure);
        }
        self.attempts += 1;
        self.pause.wait().await;
        self.session = start(&self.database).await?;
        Ok(None)
    }
}

async fn start(database: &Database) -> Result<ClientSession, Error> {
    Ok(database.client().start_session().snapshot(true).await?)
}

fn is_unavailable(error: &DriverError) -> bool {
    matches!(&*error.kind, ErrorKind::Command(command) if command.code == SNAPSHOT_UNAVAILABLE)
}
