//! RabbitMQ as this mesh uses it: quorum queues, confirmed publishing, consumers that acknowledge only
//! after the effect is stored, retries through delay queues, dead letters.

mod broker;
mod consumer;
mod publisher;
mod queue;

pub use broker::Broker;
pub use consumer::{Delivery, Handler, Verdict, consume};
pub use publisher::{Message, Publisher};
pub use queue::{DELAYS, Queue};

use std::sync::Arc;

use reen_error::{Code, Coded};

/// A failure of the broker, as it concerns a process.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The broker cannot be reached, or did not confirm in time.
    #[error("the message broker is away")]
    Unavailable(#[source] Option<Arc<lapin::Error>>),
    /// The broker took the message but no queue is there for it.
    #[error("no queue takes the message")]
    Unroutable,
    /// The broker could not store the message.
    #[error("the message broker did not accept the message")]
    NotAccepted,
}

impl From<lapin::Error> for Error {
    fn from(error: lapin::Error) -> Self {
        Self::Unavailable(Some(Arc::new(error)))
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        Code::Unavailable
    }
}
