use reen_error::{Code, Coded, Failure, FieldFailure};
use reen_mongo::{FenceError, IdempotencyError, TransactionError};

use crate::domain::{HoldRefusal, ShortLine};

/// Why this service refuses.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no such product")]
    NotFound,
    #[error("the product has another version")]
    PreconditionFailed,
    #[error("the product changed meanwhile; try again")]
    VersionMismatch,
    #[error("there is not enough in stock")]
    Short(Vec<ShortLine>),
    #[error("some fields are not valid")]
    Invalid(Vec<FieldFailure>),
    /// The fee was given up, and with it what it was for.
    #[error("it took too long; try again")]
    FeeGivenUp,
    #[error(transparent)]
    Hold(#[from] HoldRefusal),
    /// A hold says that pieces are where they are not.
    #[error("a hold and the stock of its product contradict each other")]
    StockContradicted,
    /// A peer's refusal, handed on as it is.
    #[error("{0}")]
    Peer(Failure),
    #[error(transparent)]
    Fence(#[from] FenceError),
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    #[error(transparent)]
    Store(#[from] reen_mongo::Error),
}

impl Error {
    /// Whether somebody else goes on with the request.
    pub(crate) fn is_taken_over(&self) -> bool {
        matches!(self, Self::Idempotency(IdempotencyError::InFlight))
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::PreconditionFailed => Code::PreconditionFailed,
            Self::VersionMismatch => Code::VersionMismatch,
            Self::Short(_) => Code::InsufficientStock,
            Self::Invalid(_) | Self::Hold(HoldRefusal::Taken) => Code::ValidationFailed,
            Self::FeeGivenUp => Code::DeadlineExceeded,
            Self::Hold(HoldRefusal::Gone) => Code::HoldGone,
            Self::Hold(HoldRefusal::Committed) => Code::HoldCommitted,
            Self::Hold(HoldRefusal::Voided) => Code::OperationVoided,
            Self::StockContradicted => Code::Internal,
            Self::Peer(failure) => failure.code,
            Self::Fence(error) => error.code(),
            Self::Idempotency(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldFailure> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Short(lines) => lines.iter().copied().map(FieldFailure::from).collect(),
            Self::Hold(refusal @ HoldRefusal::Taken) => {
                vec![FieldFailure::new("holdId", "taken", refusal.to_string())]
            }
            Self::Peer(failure) => failure.fields.clone(),
            _ => Vec::new(),
        }
    }
}

impl From<FieldFailure> for Error {
    fn from(field: FieldFailure) -> Self {
        Self::Invalid(vec![field])
    }
}

impl From<Vec<FieldFailure>> for Error {
    fn from(fields: Vec<FieldFailure>) -> Self {
        Self::Invalid(fields)
    }
}

impl From<mongodb::error::Error> for Error {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Store(error.into())
    }
}

impl TransactionError for Error {
    fn database(&self) -> Option<&reen_mongo::Error> {
        match self {
            Self::Store(error) | Self::Fence(FenceError::Store(error)) => Some(error),
            Self::Idempotency(error) => error.database(),
            _ => None,
        }
    }
}
