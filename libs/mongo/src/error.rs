use std::sync::Arc;

use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};
use reen_error::{Code, Coded};

use crate::Misfit;

const DUPLICATE_KEY: i32 = 11000;
const MAX_TIME_EXPIRED: i32 = 50;

/// A failure of the database, as it concerns a service.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// No server can be reached, or the connection broke.
    #[error("the database is away")]
    Unavailable(#[source] Arc<DriverError>),
    /// The caller's deadline passed while the server was at work on it.
    #[error("the database took too long")]
    TooLate(#[source] Arc<DriverError>),
    /// Anything else the driver or the server reported.
    #[error("the database refused")]
    Driver(#[source] Arc<DriverError>),
    /// A stored document is not what this service writes.
    #[error("a stored document cannot be read")]
    Document(#[source] Arc<bson::error::Error>),
    /// A stored answer is not of the kind that is asked for.
    #[error("a stored answer cannot be read")]
    Answer(#[source] prost::DecodeError),
    /// The database URL cannot be used.
    #[error("{0}")]
    Url(String),
    /// The work that was waited for ended without an answer; what became of it is not known.
    #[error("the work ended without an answer")]
    Stopped,
    /// The database has a version that this program cannot work with.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// Another process took the migration of the database over.
    #[error("another process migrates the database")]
    Overtaken,
}

impl Error {
    /// The driver's own error, where it has one.
    #[must_use]
    pub fn driver(&self) -> Option<&DriverError> {
        match self {
            Self::Unavailable(error) | Self::TooLate(error) | Self::Driver(error) => Some(error),
            Self::Document(_)
            | Self::Answer(_)
            | Self::Url(_)
            | Self::Stopped
            | Self::Misfit(_)
            | Self::Overtaken => None,
        }
    }

    /// Whether a unique index refused the write.
    #[must_use]
    pub fn is_duplicate_key(&self) -> bool {
        self.driver().is_some_and(is_duplicate_key)
    }
}

/// Whether a unique index refused the write.
fn is_duplicate_key(error: &DriverError) -> bool {
    match &*error.kind {
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.code == DUPLICATE_KEY,
        ErrorKind::Command(command) => command.code == DUPLICATE_KEY,
        ErrorKind::InsertMany(many) => many
            .write_errors
            .iter()
            .flatten()
            .any(|write| write.code == DUPLICATE_KEY),
        _ => false,
    }
}

fn is_too_late(error: &DriverError) -> bool {
    match &*error.kind {
        ErrorKind::Command(command) => command.code == MAX_TIME_EXPIRED,
        ErrorKind::Write(WriteFailure::WriteError(write)) => write.code == MAX_TIME_EXPIRED,
        _ => false,
    }
}

impl From<DriverError> for Error {
    fn from(error: DriverError) -> Self {
        let away = matches!(
            &*error.kind,
            ErrorKind::ServerSelection { .. }
                | ErrorKind::Io(_)
                | ErrorKind::ConnectionPoolCleared { .. }
                | ErrorKind::DnsResolve { .. }
        ) || error.contains_label(mongodb::error::RETRYABLE_WRITE_ERROR);
        if is_too_late(&error) {
            Self::TooLate(Arc::new(error))
        } else if away {
            Self::Unavailable(Arc::new(error))
        } else {
            Self::Driver(Arc::new(error))
        }
    }
}

impl From<bson::error::Error> for Error {
    fn from(error: bson::error::Error) -> Self {
        Self::Document(Arc::new(error))
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) | Self::Stopped | Self::Misfit(_) | Self::Overtaken => {
                Code::Unavailable
            }
            Self::TooLate(_) => Code::DeadlineExceeded,
            Self::Driver(_) | Self::Document(_) | Self::Answer(_) | Self::Url(_) => Code::Internal,
        }
    }
}
