//! The one place where a failure becomes a document that a client reads.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reen_error::{Failure, FieldFailure};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;

/// The media type of a problem document.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

const RETRY_AFTER_SECONDS: &str = "2";
/// Longer paths are cut: what is sent is not sent back whole.
const LONGEST_INSTANCE: usize = 256;

/// What went wrong (RFC 9457).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// Names the kind of problem; the last part is `code`.
    #[serde(rename = "type")]
    #[schema(example = "urn:problem-type:reen:insufficient_stock")]
    kind: String,
    /// The kind of problem in words.
    #[schema(example = "There is not enough in stock")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 409)]
    status: u16,
    /// What went wrong this time.
    #[schema(example = "Only 3 of “Lamp” are left")]
    detail: String,
    /// The path that was asked for.
    #[schema(example = "/api/v1/cart-items")]
    instance: String,
    /// A stable word for programs.
    #[schema(example = "insufficient_stock")]
    code: &'static str,
    /// Names this request in our logs; the same as the header `X-Request-Id`.
    #[schema(example = "6f1c2a52-9d0f-4c0e-a6a5-0c9a7b1f8e11")]
    request_id: String,
    /// The same as `detail`.
    message: String,
    /// The same as `status`.
    #[schema(example = 409)]
    status_code: u16,
    /// Every field that is not valid, when that is the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldProblem>,
}

/// One field that is not valid.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldProblem {
    /// Where it is in the body or the query.
    #[schema(example = "imageUrls[2]")]
    field: String,
    /// A stable word for programs.
    #[schema(example = "not_a_url")]
    code: String,
    /// Continues a sentence that begins with the field's name.
    #[schema(example = "must be an http or https URL")]
    message: String,
}

/// Fills `response` (the bare one of `error`, with the headers that layers added) with the document.
pub(crate) fn render(error: &Error, mut response: Response, path: &str, id: &str) -> Response {
    let problem = Problem::new(error.failure(), error.status(), path, id);
    *response.status_mut() = error.status();
    *response.body_mut() = Json(problem).into_response().into_body();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if let Some((name, value)) = header_of(error.status()) {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(wait) = error.failure().retry_after {
        headers.insert(header::RETRY_AFTER, whole_seconds(wait));
    }
    response
}

/// Rounded up: who comes back after that is not refused again.
pub(crate) fn whole_seconds(duration: Duration) -> HeaderValue {
    let whole = duration.as_secs();
    HeaderValue::from(whole + u64::from(duration.subsec_nanos() > 0))
}

/// What the status demands beside the document.
fn header_of(status: StatusCode) -> Option<(HeaderName, &'static str)> {
    match status {
        StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
        StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, RETRY_AFTER_SECONDS)),
        _ => None,
    }
}

impl Problem {
    fn new(failure: &Failure, status: StatusCode, path: &str, request_id: &str) -> Self {
        let Failure {
            code,
            message,
            fields,
            ..
        } = failure;
        let detail = if code.is_public() {
            message.clone()
        } else {
            code.title().to_owned()
        };
        Self {
            kind: format!("urn:problem-type:reen:{}", code.word()),
            title: code.title(),
            status: status.as_u16(),
            message: detail.clone(),
            detail,
            instance: path.chars().take(LONGEST_INSTANCE).collect(),
            code: code.word(),
            request_id: request_id.to_owned(),
            status_code: status.as_u16(),
            errors: fields.iter().map(FieldProblem::new).collect(),
        }
    }
}

impl FieldProblem {
    fn new(failure: &FieldFailure) -> Self {
        Self {
            field: failure.field.clone(),
            code: failure.code.clone(),
            message: failure.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;
    use reen_error::{Code, Failure};

    use super::{Problem, whole_seconds};

    #[test]
    fn what_went_wrong_inside_stays_inside() {
        let failure = Failure::new(Code::Internal, "mongodb://10.0.0.1 refused");
        let problem = Problem::new(&failure, StatusCode::INTERNAL_SERVER_ERROR, "/", "id");
        let document = serde_json::to_string(&problem).unwrap();
        assert!(!document.contains("10.0.0.1"));
    }

    #[test]
    fn nobody_is_told_to_come_back_too_early() {
        for (millis, expected) in [(0, "0"), (1, "1"), (1_000, "1"), (1_001, "2")] {
            assert_eq!(whole_seconds(Duration::from_millis(millis)), expected);
        }
    }

    #[test]
    fn a_long_path_is_cut() {
        let failure = Failure::new(Code::NotFound, "no");
        let path = "/a".repeat(9_000);
        let problem = Problem::new(&failure, StatusCode::NOT_FOUND, &path, "id");
        assert_eq!(problem.instance.len(), super::LONGEST_INSTANCE);
    }
}
