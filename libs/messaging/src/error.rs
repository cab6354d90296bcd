use std::sync::Arc;

use reen_error::{Code, Coded};

/// A failure of the broker, as it concerns a process.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The broker cannot be reached, takes nothing (an alarm), or did not confirm in time.
    #[error("the message broker is away")]
    Unavailable(#[source] Option<Arc<lapin::Error>>),
    /// The broker took the message but no queue is there for it.
    #[error("no queue takes the message")]
    Unroutable,
    /// The broker could not store the message.
    #[error("the message broker did not accept the message")]
    NotAccepted,
    /// The broker's URL cannot be used.
    #[error("the message broker's URL is malformed: {0}")]
    Url(String),
}

impl From<lapin::Error> for Error {
    fn from(error: lapin::Error) -> Self {
        Self::Unavailable(Some(Arc::new(error)))
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) | Self::Unroutable | Self::NotAccepted => Code::Unavailable,
            Self::Url(_) => Code::Internal,
        }
    }
}
