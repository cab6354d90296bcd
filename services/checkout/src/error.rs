use reen_error::{Code, Coded, Failure, FieldFailure};
use reen_mongo::{FenceError, IdempotencyError, TransactionError};

use crate::domain::Refusal;

/// Why this service refuses.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no such checkout")]
    NotFound,
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What a process that died had begun was cleared away: nothing is left of it.
    #[error("the checkout was not opened")]
    NotOpened,
    /// The task that opens a checkout panicked, or the process stops.
    #[error("the opening of a checkout was interrupted")]
    Interrupted,
    #[error("the payment provider refused the request")]
    PaymentRefused,
    /// Stripe may or may not have done what it was asked.
    #[error("Stripe gave no usable answer: {0}")]
    PaymentsAway(String),
    /// Others kept changing the checkout all the time that this call had.
    #[error("the checkout is changed too often")]
    Contended,
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

impl TransactionError for Error {
    fn database(&self) -> Option<&reen_mongo::Error> {
        match self {
            Self::Store(error) | Self::Fence(FenceError::Store(error)) => Some(error),
            Self::Idempotency(error) => error.database(),
            _ => None,
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Refused(refusal) => code_of(*refusal),
            Self::NotOpened | Self::PaymentsAway(_) | Self::Contended => Code::Unavailable,
            Self::Interrupted => Code::Internal,
            Self::PaymentRefused => Code::PaymentRefused,
            Self::Peer(failure) => failure.code,
            Self::Fence(error) => error.code(),
            Self::Idempotency(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldFailure> {
        match self {
            Self::Peer(failure) => failure.fields.clone(),
            _ => Vec::new(),
        }
    }
}

fn code_of(refusal: Refusal) -> Code {
    match refusal {
        Refusal::EmptyCart => Code::EmptyCart,
        Refusal::InsufficientBalance => Code::InsufficientBalance,
        Refusal::TotalTooLarge => Code::TotalTooLarge,
        Refusal::TotalTooSmall => Code::TotalTooSmall,
        Refusal::Closed | Refusal::SecondPayment => Code::CheckoutClosed,
        Refusal::AmountMismatch => Code::AmountMismatch,
        Refusal::IllegalTransition => Code::IllegalTransition,
        Refusal::Voided => Code::OperationVoided,
    }
}

impl From<mongodb::error::Error> for Error {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Store(error.into())
    }
}
