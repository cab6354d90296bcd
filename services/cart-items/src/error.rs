use reen_error::{Code, Coded, Failure, FieldFailure};
use reen_mongo::{FenceError, IdempotencyError, TransactionError};

use crate::domain::MOST_LINES;

/// Why this service refuses.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no such item in your cart")]
    NotFound,
    #[error("there is no such product")]
    NoSuchProduct,
    #[error("only {in_stock} in stock")]
    InsufficientStock { in_stock: i64 },
    #[error("a cart holds at most {MOST_LINES} different products")]
    CartFull,
    #[error("some fields are not valid")]
    Invalid(Vec<FieldFailure>),
    #[error("the operation was undone before it was done")]
    Voided,
    /// A peer's refusal, handed on as it is.
    #[error("{0}")]
    Peer(#[from] Failure),
    #[error(transparent)]
    Fence(#[from] FenceError),
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    #[error(transparent)]
    Store(#[from] reen_mongo::Error),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::NotFound | Self::NoSuchProduct => Code::NotFound,
            Self::InsufficientStock { .. } => Code::InsufficientStock,
            Self::CartFull => Code::CartFull,
            Self::Invalid(_) => Code::ValidationFailed,
            Self::Voided => Code::OperationVoided,
            Self::Peer(failure) => failure.code,
            Self::Fence(error) => error.code(),
            Self::Idempotency(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldFailure> {
        match self {
            Self::Invalid(fields) => fields.clone(),
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
