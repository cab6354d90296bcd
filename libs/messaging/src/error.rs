use std::sync::Arc;

use lapin::ErrorKind;
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
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
    /// The queue of that name was made with other settings, which only deleting it changes.
    #[error(
        "the queue {0} was made with other settings: let its messages be worked on or replay them, \
         delete it (rabbitmqctl delete_queue {0}), and start again"
    )]
    QueueDiffers(String),
    /// The broker's URL cannot be used.
    #[error("the message broker's URL is malformed: {0}")]
    Url(String),
}

impl From<lapin::Error> for Error {
    fn from(error: lapin::Error) -> Self {
        Self::Unavailable(Some(Arc::new(error)))
    }
}

impl Error {
    /// What the failure to make a queue means.
    pub(crate) fn of_declaring(queue: &str, error: lapin::Error) -> Self {
        let differs = AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED);
        match error.kind() {
            ErrorKind::ProtocolError(said) if *said.kind() == differs => {
                Self::QueueDiffers(queue.to_owned())
            }
            _ => error.into(),
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) | Self::Unroutable | Self::NotAccepted => Code::Unavailable,
            Self::Url(_) | Self::QueueDiffers(_) => Code::Internal,
        }
    }
}
