use reen_error::{Code, Coded, FieldFailure};
use reen_mongo::{FenceError, TransactionError};

use crate::domain::{PostingError, Refusal};

/// Why this service refuses.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("there is no such user")]
    NotFound,
    /// The calling user left; the access token outlives the account for some minutes.
    #[error("this account is closed")]
    Closed,
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// Does not tell whether there is an account with this address.
    #[error("the e-mail or the password is wrong")]
    InvalidCredentials,
    #[error("the session is over; sign in again")]
    InvalidRefreshToken,
    #[error("the identity provider is away: {0}")]
    ProviderAway(String),
    #[error("Clerk is not set up here: CLERK_SECRET_KEY")]
    NoProvider,
    #[error("some fields are not valid")]
    Invalid(Vec<FieldFailure>),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("the operation was undone before it was done")]
    Voided,
    /// Another effect happened under this id.
    #[error("another operation has this id")]
    OperationTaken,
    #[error("an account cannot hold so much")]
    AccountOverflows,
    #[error("a stored posting cannot be read")]
    UnreadablePosting,
    #[error("a password cannot be hashed")]
    Hashing(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("tokens cannot be signed")]
    Signing(#[from] jsonwebtoken::errors::Error),
    #[error(transparent)]
    Fence(#[from] FenceError),
    #[error(transparent)]
    Store(#[from] reen_mongo::Error),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Closed => Code::Unauthenticated,
            Self::ProviderAway(_) | Self::NoProvider => Code::Unavailable,
            Self::EmailTaken => Code::EmailTaken,
            Self::InvalidCredentials => Code::InvalidCredentials,
            Self::InvalidRefreshToken => Code::InvalidRefreshToken,
            Self::Invalid(_) | Self::OperationTaken | Self::AccountOverflows => {
                Code::ValidationFailed
            }
            Self::Refused(Refusal::Forbidden | Refusal::IsOperator | Refusal::IsSeller) => {
                Code::Forbidden
            }
            Self::Refused(Refusal::InsufficientBalance) => Code::InsufficientBalance,
            Self::Refused(Refusal::AlreadyInRole) => Code::AlreadyInRole,
            Self::Voided => Code::OperationVoided,
            Self::UnreadablePosting | Self::Hashing(_) | Self::Signing(_) => Code::Internal,
            Self::Fence(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldFailure> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::OperationTaken => {
                vec![FieldFailure::new("operation.id", "taken", self.to_string())]
            }
            Self::AccountOverflows => {
                vec![FieldFailure::new(
                    "amountCents",
                    "too_large",
                    self.to_string(),
                )]
            }
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

impl From<PostingError> for Error {
    fn from(error: PostingError) -> Self {
        Self::Invalid(vec![error.into()])
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
            _ => None,
        }
    }
}
