//! Idempotency keys: <https://docs.stripe.com/api/idempotent_requests>.
//!
//! The first answer to a key is kept for 24 hours and given again to every
//! request with the same key and the same parameters. Parameters are compared
//! as parsed, so their order in the body makes no difference. As at Stripe, an
//! answer is kept only when the endpoint was executed, not when the request
//! failed validation; injected faults are not kept, they stand for failures
//! on the way.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use ring::digest;
use serde::{Deserialize, Serialize};

use super::errors::ApiError;
use super::form::Node;

const LIFE_SECONDS: i64 = 24 * 60 * 60;
const LONGEST_KEY: usize = 255;

/// The answer that is kept under a key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) key: String,
    pub(crate) path: String,
    pub(crate) parameters: String,
    pub(crate) created: i64,
    pub(crate) request_id: String,
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// What to do with a request that has a key.
#[derive(Debug)]
pub(crate) enum Claim {
    /// Nobody had this key: execute, then release it.
    Execute,
    /// Give this answer again.
    Replay(Box<Answer>),
}

/// A request's key, within the account that uses it.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// As the caller wrote it.
    pub(crate) name: String,
    /// Unique among all accounts; does not reveal the account's secret key.
    pub(crate) scoped: String,
    pub(crate) path: String,
    /// A digest of the request's parameters.
    pub(crate) parameters: String,
}

impl Key {
    /// # Errors
    /// The key is longer than 255 characters.
    pub(crate) fn new(
        name: &str,
        secret_key: &str,
        path: &str,
        form: &Node,
    ) -> Result<Self, ApiError> {
        if name.chars().count() > LONGEST_KEY {
            return Err(ApiError::invalid(format!(
                "The idempotency key is too long: it can be up to {LONGEST_KEY} characters."
            )));
        }
        let parameters = serde_json::to_vec(form).unwrap_or_default();
        Ok(Self {
            name: name.to_owned(),
            scoped: sha256(format!("{secret_key}\n{name}").as_bytes()),
            path: path.to_owned(),
            parameters: sha256(&parameters),
        })
    }

    pub(crate) fn in_use(&self) -> ApiError {
        ApiError::conflict(format!(
            "There is currently another in-progress request using this Idempotent Key (that \
             probably means you submitted twice, and the other request is still going through): \
             {}. Please try again later.",
            self.name
        ))
        .code("idempotency_key_in_use")
    }

    /// # Errors
    /// The key was first used for another endpoint or other parameters.
    pub(crate) fn check(&self, answer: &Answer) -> Result<(), ApiError> {
        let name = &self.name;
        if answer.path != self.path {
            return Err(ApiError::idempotency(format!(
                "Keys for idempotent requests can only be used for the same endpoint they were \
                 first used for ('{}' vs '{}'). Try using a key other than '{name}' if you meant \
                 to execute a different request.",
                self.path, answer.path
            )));
        }
        if answer.parameters != self.parameters {
            return Err(ApiError::idempotency(format!(
                "Keys for idempotent requests can only be used with the same parameters they \
                 were first used with. Try using a key other than '{name}' if you meant to \
                 execute a different request."
            )));
        }
        Ok(())
    }
}

impl Answer {
    pub(crate) fn is_stale(&self, now: i64) -> bool {
        now - self.created > LIFE_SECONDS
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("Idempotent-Replayed", HeaderValue::from_static("true"));
        if let Ok(request_id) = HeaderValue::try_from(self.request_id) {
            headers.insert("Original-Request", request_id);
        }
        response
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}
