use std::time::Duration;

use reen_error::{Code, Coded, FieldFailure};
use reen_mongo::{FenceError, IdempotencyError, TransactionError};

use crate::domain::{PostingError, Refusal, Unopened};

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
    /// Of a letter: used, expired, never made, or for another address than the account has now.
    #[error("the link was used or has expired; ask for another one")]
    InvalidToken,
    /// Does not tell whether there is an account with this address, or whether the password was right.
    #[error("too many wrong attempts; try again later")]
    TooManyAttempts { wait: Duration },
    /// The password was right.
    #[error("a code of the second factor is needed as well")]
    SecondFactorRequired,
    #[error("the code is wrong, or was used already")]
    InvalidCode,
    #[error("the second factor is on already")]
    SecondFactorOn,
    #[error("the second factor is not on")]
    SecondFactorOff,
    #[error("there are as many API keys as there may be; take one back first")]
    TooManyApiKeys,
    /// Never made, taken back, expired, or its user has left.
    #[error("there is no such API key")]
    UnknownApiKey,
    #[error(transparent)]
    Unopened(#[from] Unopened),
    #[error("a stored secret of an app is none")]
    UnusableSecret(#[from] totp_rs::TotpError),
    /// A key is made at start and stays, so this never happens by itself.
    #[error("there is no key that signs")]
    NoSigningKey,
    #[error("the system has no randomness to give")]
    NoRandomness,
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
    Idempotency(#[from] IdempotencyError),
    #[error(transparent)]
    Store(#[from] reen_mongo::Error),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Closed | Self::UnknownApiKey => Code::Unauthenticated,
            Self::ProviderAway(_) | Self::NoProvider => Code::Unavailable,
            Self::EmailTaken => Code::EmailTaken,
            Self::InvalidCredentials => Code::InvalidCredentials,
            Self::InvalidRefreshToken => Code::InvalidRefreshToken,
            Self::InvalidToken => Code::InvalidToken,
            Self::SecondFactorRequired => Code::SecondFactorRequired,
            Self::InvalidCode => Code::InvalidCode,
            Self::SecondFactorOn => Code::SecondFactorOn,
            Self::SecondFactorOff => Code::SecondFactorOff,
            Self::TooManyApiKeys => Code::TooManyApiKeys,
            Self::Unopened(_) | Self::UnusableSecret(_) => Code::Internal,
            Self::TooManyAttempts { .. } => Code::TooManyAttempts,
            Self::NoSigningKey | Self::NoRandomness => Code::Internal,
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
            Self::Idempotency(error) => error.code(),
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

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyAttempts { wait } => Some(*wait),
            _ => None,
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
            Self::Idempotency(error) => error.database(),
            _ => None,
        }
    }
}
