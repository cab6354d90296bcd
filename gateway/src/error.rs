//! Everything that ends a request badly: what the client is told, and what caused it, for the log.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use reen_error::{Code, Coded, Failure, FieldFailure};

/// A failure of one request.
///
/// As a response it is an empty one that carries the error in its extensions; the outermost layer
/// makes the problem document of it ([`crate::problem`]), because only there the whole request is known.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{failure}")]
pub(crate) struct Error {
    failure: Failure,
    status: StatusCode,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure with one sentence for whoever asked.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Failure::new(code, message).into()
    }

    /// A failure that its code says everything about.
    pub(crate) fn of(code: Code) -> Self {
        Self::new(code, code.title())
    }

    /// These fields are not valid.
    pub(crate) fn invalid(fields: Vec<FieldFailure>) -> Self {
        Failure::invalid(fields).into()
    }

    /// A mistake of ours.
    pub(crate) fn internal(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::of(Code::Internal).because(source)
    }

    /// The same, with what caused it.
    pub(crate) fn because(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// The same with another HTTP status, where the contract names one for this route.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn failure(&self) -> &Failure {
        &self.failure
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The error and everything that caused it, for the log.
    pub(crate) fn chain(&self) -> String {
        let mut chain = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let _a_string_takes_everything = write!(chain, ": {error}");
            cause = error.source();
        }
        chain
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        self.failure.code
    }

    fn fields(&self) -> Vec<FieldFailure> {
        self.failure.fields.clone()
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let status = StatusCode::from_u16(failure.code.http());
        Self {
            failure,
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            source: None,
        }
    }
}

impl From<tonic::Status> for Error {
    fn from(status: tonic::Status) -> Self {
        let mut failure = Failure::from_status(&status);
        if failure.code == Code::UnknownCaller {
            // A peer refused this process, not the client: our secrets or addresses are wrong.
            failure.code = Code::Internal;
        }
        Self::from(failure).because(status)
    }
}

impl From<reen_messaging::Error> for Error {
    fn from(error: reen_messaging::Error) -> Self {
        Self::from(Failure::from_error(&error)).because(error)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use reen_error::{Code, Coded, Failure};

    use super::Error;

    #[test]
    fn a_chain_names_every_cause_once() {
        let source = std::io::Error::other("the socket broke");
        let error = Error::of(Code::Unavailable).because(source);
        let title = Code::Unavailable.title();
        assert_eq!(error.chain(), format!("{title}: the socket broke"));
    }

    #[test]
    fn a_refused_gateway_is_our_mistake() {
        let status = Failure::new(Code::UnknownCaller, "who?").into_status();
        assert_eq!(Error::from(status).code(), Code::Internal);
    }
}
