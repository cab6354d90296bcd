use std::fmt;
use std::time::Duration;

use tonic::{Code as Grpc, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{Code, Coded};

const DOMAIN: &str = "reen";

/// One field that is not valid: which, why, and in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFailure {
    /// Path of the field as the client knows it, e.g. `imageUrls[2]`.
    pub field: String,
    /// Stable machine word, e.g. `too_long`.
    pub code: String,
    /// One sentence for a person.
    pub message: String,
}

impl FieldFailure {
    /// A failing field.
    pub fn new(
        field: impl Into<String>,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            code: code.into(),
            message: message.into(),
        }
    }
}

/// A failure as it travels between processes: a code, a message that may be shown, failing fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong, as a stable word.
    pub code: Code,
    /// One sentence for a person; never holds an internal address, a query or another user's data.
    pub message: String,
    /// The failing fields, each with its own word.
    pub fields: Vec<FieldFailure>,
    /// How long to wait before asking again, where that is known.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure without failing fields.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fields: Vec::new(),
            retry_after: None,
        }
    }

    /// A failure about these fields.
    #[must_use]
    pub fn invalid(fields: Vec<FieldFailure>) -> Self {
        let message = match fields.as_slice() {
            [only] => format!("{}: {}", only.field, only.message),
            several => format!("{} fields are not valid", several.len()),
        };
        Self {
            code: Code::ValidationFailed,
            message,
            fields,
            retry_after: None,
        }
    }

    /// What of `error` may leave the process. Pure: logging is the caller's, once, at the boundary.
    pub fn from_error(error: &impl Coded) -> Self {
        let code = error.code();
        let message = if code.is_public() {
            error.to_string()
        } else {
            code.title().to_owned()
        };
        Self {
            code,
            message,
            fields: error.fields(),
            retry_after: error.retry_after(),
        }
    }

    /// As a gRPC status with rich details (`google.rpc.ErrorInfo`, `BadRequest`, `RetryInfo`).
    #[must_use]
    pub fn into_status(self) -> Status {
        let mut details = ErrorDetails::new();
        details.set_error_info(self.code.word(), DOMAIN, []);
        if self.retry_after.is_some() {
            details.set_retry_info(self.retry_after);
        }
        for field in self.fields {
            // BadRequest has no place for a word of ours, so it goes before the sentence.
            details.add_bad_request_violation(
                field.field,
                format!("{}: {}", field.code, field.message),
            );
        }
        Status::with_error_details(self.code.grpc(), self.message, details)
    }

    /// Reads a status back. One that is not ours (transport, deadline) gets the nearest code.
    #[must_use]
    pub fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let ours = details
            .error_info()
            .filter(|info| info.domain == DOMAIN)
            .and_then(|info| Code::from_word(&info.reason));
        let Some(code) = ours else {
            return Self::foreign(status);
        };
        let fields = details
            .bad_request()
            .map(|bad| bad.field_violations.iter().map(read_violation).collect())
            .unwrap_or_default();
        Self {
            code,
            message: status.message().to_owned(),
            fields,
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }

    fn foreign(status: &Status) -> Self {
        let code = match status.code() {
            Grpc::Unavailable => Code::Unavailable,
            // An expired deadline of tonic's own reaches the caller as Cancelled.
            Grpc::DeadlineExceeded | Grpc::Cancelled => Code::DeadlineExceeded,
            Grpc::ResourceExhausted => Code::Overloaded,
            // A connection that broke in the middle of a call.
            Grpc::Unknown if status.message().contains("transport error") => Code::Unavailable,
            _ => Code::Internal,
        };
        Self::new(code, code.title())
    }
}

fn read_violation(violation: &tonic_types::FieldViolation) -> FieldFailure {
    let (code, message) = violation
        .description
        .split_once(": ")
        .unwrap_or(("invalid", &violation.description));
    FieldFailure::new(&violation.field, code, message)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl Coded for Failure {
    fn code(&self) -> Code {
        self.code
    }

    fn fields(&self) -> Vec<FieldFailure> {
        self.fields.clone()
    }

    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::from_status(&status)
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        failure.into_status()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tonic::Status;

    use super::{Failure, FieldFailure};
    use crate::Code;

    #[test]
    fn every_code_survives_the_wire() {
        for code in Code::ALL {
            let sent = Failure::new(*code, "why");
            let received = Failure::from_status(&sent.clone().into_status());
            assert_eq!(received, sent);
        }
    }

    #[test]
    fn failing_fields_survive_the_wire() {
        let sent = Failure::invalid(vec![
            FieldFailure::new("name", "too_long", "at most 100 characters"),
            FieldFailure::new("imageUrls[2]", "not_a_url", "must be: a URL"),
        ]);
        assert_eq!(Failure::from_status(&sent.clone().into_status()), sent);
    }

    #[test]
    fn how_long_to_wait_survives_the_wire() {
        let sent = Failure {
            retry_after: Some(Duration::from_millis(1_500)),
            ..Failure::new(Code::TooManyAttempts, "wait")
        };
        assert_eq!(Failure::from_status(&sent.clone().into_status()), sent);
    }

    #[test]
    fn a_status_of_the_transport_gets_the_nearest_code() {
        let expired = Failure::from_status(&Status::cancelled("Timeout expired"));
        assert_eq!(expired.code, Code::DeadlineExceeded);
        let away = Failure::from_status(&Status::unavailable("tcp connect error"));
        assert_eq!(away.code, Code::Unavailable);
        assert!(!away.message.contains("tcp"));
    }
}
