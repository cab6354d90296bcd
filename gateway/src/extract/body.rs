use axum::body::{Bytes, HttpBody as _};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use reen_error::Code;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{operation, read_json};
use crate::error::Error;
use crate::middleware::WaitsForBody;
use crate::rules::Operation;

/// A JSON body that is what the document says of this operation.
pub(crate) struct ValidJson<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ValidJson<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let rules = operation(request.extensions())?;
        refuse_other_types(request.headers())?;
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        let body = read_checked(&rules, &bytes)?;
        // The rules passed it: a type that does not take it contradicts its own schema.
        serde_json::from_value(body)
            .map(Self)
            .map_err(Error::internal)
    }
}

/// No body, or as good as none; for operations whose documentation has none.
pub(crate) struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let rules = operation(request.extensions())?;
        let is_other_type = refuse_other_types(request.headers());
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        if !bytes.is_empty() {
            is_other_type?;
            read_checked(&rules, &bytes)?;
        }
        Ok(Self)
    }
}

fn read_checked(rules: &Operation, bytes: &[u8]) -> Result<Value, Error> {
    let body = read_json(bytes).map_err(malformed)?;
    rules.check_body(&body).map_err(Error::invalid)?;
    Ok(body)
}

fn refuse_other_types(headers: &HeaderMap) -> Result<(), Error> {
    if is_json(headers) {
        return Ok(());
    }
    let message = "the content type must be application/json";
    Err(Error::new(Code::UnsupportedMediaType, message))
}

fn malformed(error: serde_json::Error) -> Error {
    Error::new(
        Code::MalformedBody,
        format!("the body is not JSON: {error}"),
    )
    .because(error)
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// How many bytes of a body a route takes; the innermost layer that says so counts.
#[derive(Clone, Copy)]
pub(crate) struct BodyLimit(pub(crate) usize);

/// The body as it came, up to the [`BodyLimit`] of the route.
pub(crate) struct RawBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Error;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Error> {
        let limit = request.extensions().get::<BodyLimit>().copied();
        let BodyLimit(limit) = limit.ok_or_else(|| Error::of(Code::Internal))?;
        let announced = request.body().size_hint().lower();
        if u64::try_from(limit).is_ok_and(|limit| announced > limit) {
            return Err(Error::of(Code::BodyTooLarge));
        }
        DefaultBodyLimit::max(limit).apply(&mut request);
        let waiting = request.extensions().get::<WaitsForBody>().cloned();
        let waiting = waiting.unwrap_or_default();
        waiting.begin();
        let body = Bytes::from_request(request, state).await;
        waiting.end();
        body.map(Self).map_err(|rejection| unread(&rejection))
    }
}

fn unread(rejection: &BytesRejection) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::of(Code::BodyTooLarge);
    }
    let message = "the body could not be read to its end";
    Error::new(Code::MalformedBody, message)
}
