//! Stripe's error object: `{"error": {"type", "code", "message", "param"}}`,
//! see <https://docs.stripe.com/api/errors>.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

/// A refusal, as Stripe words it. Boxed: it is the rare variant of nearly
/// every result here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError(Box<ErrorObject>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ErrorObject {
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    executed: bool,
    #[serde(rename = "type")]
    kind: ErrorType,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    doc_url: Option<String>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charge: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum ErrorType {
    #[serde(rename = "api_error")]
    Api,
    #[serde(rename = "card_error")]
    Card,
    #[serde(rename = "idempotency_error")]
    Idempotency,
    #[serde(rename = "invalid_request_error")]
    InvalidRequest,
}

/// Marks a response whose endpoint was executed although it refused: Stripe
/// keeps such an answer under its idempotency key, but not one that failed
/// validation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Executed;

impl ApiError {
    fn new(status: StatusCode, kind: ErrorType, message: impl Into<String>) -> Self {
        Self(Box::new(ErrorObject {
            status,
            executed: false,
            kind,
            code: None,
            decline_code: None,
            doc_url: None,
            message: message.into(),
            param: None,
            charge: None,
        }))
    }

    /// 400 `invalid_request_error`.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorType::InvalidRequest, message)
    }

    /// 400 for a required parameter that is not there.
    pub(crate) fn missing_param(param: impl Into<String>) -> Self {
        let param = param.into();
        Self::invalid(format!("Missing required param: {param}."))
            .code("parameter_missing")
            .param(param)
    }

    /// 404 for an id that names nothing.
    pub(crate) fn no_such(kind: &str, id: &str, param: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            ErrorType::InvalidRequest,
            format!("No such {kind}: '{id}'"),
        )
        .code("resource_missing")
        .param(param)
    }

    /// 404 for a path or method that the API does not have.
    pub(crate) fn unrecognized_url(method: &str, path: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            ErrorType::InvalidRequest,
            format!(
                "Unrecognized request URL ({method}: {path}). Please see \
                 https://stripe.com/docs or we can help at https://support.stripe.com/."
            ),
        )
    }

    /// 401 for a missing or malformed secret key.
    pub(crate) fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, ErrorType::InvalidRequest, message)
    }

    /// 400 for an idempotency key that was used for another request.
    pub(crate) fn idempotency(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorType::Idempotency, message)
    }

    /// 409 for what does not fit the present state.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, ErrorType::InvalidRequest, message)
    }

    /// 402 for a card that was not accepted.
    pub(crate) fn card(code: &'static str, message: &str) -> Self {
        Self::new(StatusCode::PAYMENT_REQUIRED, ErrorType::Card, message).code(code)
    }

    /// A failure on Stripe's side, as a fault asked for.
    pub(crate) fn fault(status: StatusCode) -> Self {
        let kind = if status.is_server_error() {
            ErrorType::Api
        } else {
            ErrorType::InvalidRequest
        };
        Self::new(status, kind, "An unknown error occurred")
    }

    pub(crate) fn code(mut self, code: &'static str) -> Self {
        let page = code.replace('_', "-");
        self.0.doc_url = Some(format!("https://stripe.com/docs/error-codes/{page}"));
        self.0.code = Some(code);
        self
    }

    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    pub(crate) fn declined_charge(mut self, charge: &str) -> Self {
        self.0.decline_code = Some("generic_decline");
        self.0.charge = Some(charge.to_owned());
        self
    }

    /// The request was valid and its endpoint refused it; see [`Executed`].
    pub(crate) fn executed(mut self) -> Self {
        self.0.executed = true;
        self
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.0.status, Json(json!({ "error": self.0 }))).into_response();
        if self.0.executed {
            response.extensions_mut().insert(Executed);
        }
        response
    }
}
