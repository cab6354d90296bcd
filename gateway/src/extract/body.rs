use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use reen_error::Code;
use serde::de::DeserializeOwned;

use super::{operation, read_json};
use crate::error::Error;

/// A JSON body that is what the document says of this operation.
pub(crate) struct ValidJson<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ValidJson<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let rules = operation(request.extensions())?;
        if !is_json(request.headers()) {
            let message = "the content type must be application/json";
            return Err(Error::new(Code::UnsupportedMediaType, message));
        }
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        let body = read_json(&bytes).map_err(malformed)?;
        rules.check_body(&body).map_err(Error::invalid)?;
        // The rules passed it: a type that does not take it contradicts its own schema.
        serde_json::from_value(body)
            .map(Self)
            .map_err(Error::internal)
    }
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

/// The body as it came, up to the limit of the route.
pub(crate) struct RawBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        Bytes::from_request(request, state)
            .await
            .map(Self)
            .map_err(|rejection| {
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    return Error::of(Code::BodyTooLarge);
                }
                let message = "the body could not be read to its end";
                Error::new(Code::MalformedBody, message)
            })
    }
}
