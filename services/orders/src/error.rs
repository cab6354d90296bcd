use reen_error::{Code, Coded, FieldFailure};
use reen_mongo::{FenceError, IdempotencyError, TransactionError};

use crate::domain::{IllegalTransition, RefundRefusal};

/// Why this service refuses.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no such order")]
    NotFound,
    #[error(transparent)]
    Transition(#[from] IllegalTransition),
    #[error(transparent)]
    Refund(#[from] RefundRefusal),
    #[error("the order was changed meanwhile")]
    Overtaken,
    #[error("the order of this checkout was withdrawn")]
    Voided,
    /// Order and record are written together, so this never happens by itself.
    #[error("an order is recorded and not there")]
    OrderLost,
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
            Self::NotFound => Code::NotFound,
            Self::Transition(_) => Code::IllegalTransition,
            Self::Refund(refusal) => code_of(*refusal),
            Self::Overtaken => Code::VersionMismatch,
            Self::Voided => Code::OperationVoided,
            Self::OrderLost => Code::Internal,
            Self::Fence(error) => error.code(),
            Self::Idempotency(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldFailure> {
        let (field, code) = match self {
            Self::Refund(RefundRefusal::Taken) => ("refundId", "taken"),
            Self::Refund(RefundRefusal::NotWhole) => ("restock", "not_whole"),
            _ => return Vec::new(),
        };
        vec![FieldFailure::new(field, code, self.to_string())]
    }
}

fn code_of(refusal: RefundRefusal) -> Code {
    match refusal {
        RefundRefusal::Unknown => Code::NotFound,
        RefundRefusal::Taken | RefundRefusal::NotWhole => Code::ValidationFailed,
        RefundRefusal::TooMuch => Code::RefundExceedsPayment,
        // What stands in the way is over soon.
        RefundRefusal::InTheWay => Code::Unavailable,
        RefundRefusal::EndedOtherwise => Code::IllegalTransition,
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
