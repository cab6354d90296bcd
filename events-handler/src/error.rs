use reen_error::{Code, Coded, Failure};
use reen_mongo::{IdempotencyError, TransactionError};

/// Why an event was not taken in or a saga not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Store(#[from] reen_mongo::Error),
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// An outside party refused, or did not answer.
    #[error(transparent)]
    Party(#[from] Failure),
    #[error(transparent)]
    Broker(#[from] reen_messaging::Error),
    #[error("there is no such saga or letter")]
    NotFound,
    #[error("the saga has come to its end")]
    Settled,
    #[error("the saga cannot be turned around any more")]
    TooLate,
    /// A saga document that this version does not know how to continue.
    #[error("saga {saga}: {why}")]
    UnknownSaga { saga: String, why: String },
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Idempotency(error) => error.code(),
            Self::Party(failure) => failure.code,
            Self::Broker(error) => error.code(),
            Self::NotFound => Code::NotFound,
            Self::Settled | Self::TooLate => Code::IllegalTransition,
            Self::UnknownSaga { .. } => Code::Internal,
        }
    }
}

impl From<mongodb::error::Error> for Error {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<bson::error::Error> for Error {
    fn from(error: bson::error::Error) -> Self {
        Self::Store(error.into())
    }
}

impl TransactionError for Error {
    fn database(&self) -> Option<&reen_mongo::Error> {
        match self {
            Self::Store(error) => Some(error),
            Self::Idempotency(error) => error.database(),
            _ => None,
        }
    }
}
