//! What every call to `/v1` passes before its endpoint: the secret key, the
//! form, the idempotency key and injected faults.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::app::Sim;
use super::credentials::secret_key;
use super::errors::{ApiError, Executed};
use super::events::Cause;
use super::form::{self, Node};
use super::idempotency::{Answer, Claim, Key};
use super::params::Params;
use super::{API_VERSION, ids, service};

const LARGEST_BODY: usize = 4 << 20;

/// The part of an admitted call that its endpoint needs.
#[derive(Debug, Clone)]
pub(crate) struct ApiCall {
    form: Arc<Node>,
    request_id: String,
    idempotency_key: Option<Key>,
}

impl ApiCall {
    pub(crate) fn params(&self) -> Params<'_> {
        Params::root(&self.form)
    }

    pub(crate) fn cause(&self) -> Cause {
        Cause {
            request_id: Some(self.request_id.clone()),
            idempotency_key: self.idempotency_key.as_ref().map(|key| key.name.clone()),
        }
    }
}

/// The middleware of `/v1`.
pub(crate) async fn gate(State(sim): State<Arc<Sim>>, request: Request, next: Next) -> Response {
    let request_id = ids::request();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let idempotency_key = request.headers().get("idempotency-key").cloned();

    let answer = match admit(request, &request_id).await {
        Err(refusal) => refusal.into_response(),
        Ok((call, request)) => {
            // A caller that hangs up does not stop what it began: at Stripe a
            // request that timed out may well have been executed.
            let execution = tokio::spawn(execute(sim, call, request, next));
            execution.await.unwrap_or_else(|_| {
                ApiError::fault(StatusCode::INTERNAL_SERVER_ERROR).into_response()
            })
        }
    };
    tracing::info!(%method, path, status = answer.status().as_u16(), request_id, "api call");
    with_stripe_headers(answer, &request_id, idempotency_key)
}

async fn admit(request: Request, request_id: &str) -> Result<(ApiCall, Request), ApiError> {
    let (mut parts, body) = request.into_parts();
    let secret_key = secret_key(&parts.headers)?;
    let body = to_bytes(body, LARGEST_BODY)
        .await
        .map_err(|_| ApiError::invalid("The request body is too large or was cut off."))?;
    let form = if parts.method == Method::GET {
        form::parse(parts.uri.query().unwrap_or_default().as_bytes())?
    } else {
        check_content_type(&parts.headers, &body)?;
        form::parse(&body)?
    };
    let key_name = parts.headers.get("idempotency-key");
    let idempotency_key = match key_name.and_then(|name| name.to_str().ok()) {
        Some(name) if !name.is_empty() && parts.method == Method::POST => {
            Some(Key::new(name, &secret_key, parts.uri.path(), &form)?)
        }
        _ => None,
    };
    let call = ApiCall {
        form: Arc::new(form),
        request_id: request_id.to_owned(),
        idempotency_key,
    };
    parts.extensions.insert(call.clone());
    Ok((call, Request::from_parts(parts, Body::empty())))
}

async fn execute(sim: Arc<Sim>, call: ApiCall, request: Request, next: Next) -> Response {
    let begun = match Begun::new(&sim, call.idempotency_key.as_ref()) {
        Ok(begun) => begun,
        Err(refusal) => return refusal.into_response(),
    };
    let fault = sim.faults.take(request.method(), request.uri().path());
    if let Some(fault) = fault.as_ref().filter(|fault| !fault.after_effect)
        && let Some(failure) = fault.strike().await
    {
        return failure;
    }
    let answer = match begun {
        Begun::Replay(answer) => answer.into_response(),
        Begun::Unkeyed => next.run(request).await,
        Begun::First(flight) => flight.keep(next.run(request).await, &call.request_id).await,
    };
    if let Some(fault) = fault.filter(|fault| fault.after_effect)
        && let Some(failure) = fault.strike().await
    {
        return failure;
    }
    answer
}

/// How a request stands to its idempotency key.
enum Begun<'call> {
    Unkeyed,
    First(InFlight<'call>),
    Replay(Box<Answer>),
}

impl<'call> Begun<'call> {
    fn new(sim: &'call Sim, key: Option<&'call Key>) -> Result<Self, ApiError> {
        let Some(key) = key else {
            return Ok(Self::Unkeyed);
        };
        Ok(match sim.state.claim(key, service::now())? {
            Claim::Execute => Self::First(InFlight { sim, key }),
            Claim::Replay(answer) => Self::Replay(answer),
        })
    }
}

/// A key whose first request is being executed; free again when dropped, even
/// if the endpoint panics.
struct InFlight<'call> {
    sim: &'call Sim,
    key: &'call Key,
}

impl InFlight<'_> {
    /// Keeps the answer if the endpoint was executed.
    async fn keep(self, response: Response, request_id: &str) -> Response {
        let was_executed =
            response.status().is_success() || response.extensions().get::<Executed>().is_some();
        if !was_executed {
            return response;
        }
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let answer = Answer {
            key: self.key.scoped.clone(),
            path: self.key.path.clone(),
            parameters: self.key.parameters.clone(),
            created: service::now(),
            request_id: request_id.to_owned(),
            status: parts.status.as_u16(),
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        self.sim.state.change(|changes| changes.remember(answer));
        Response::from_parts(parts, Body::from(body))
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.sim.state.release(self.key);
    }
}

fn check_content_type(headers: &HeaderMap, body: &Bytes) -> Result<(), ApiError> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|header| header.to_str().ok())
        .unwrap_or_default();
    if body.is_empty() || content_type.starts_with("application/x-www-form-urlencoded") {
        return Ok(());
    }
    Err(ApiError::invalid(
        "Invalid request (check that your POST content type is \
         application/x-www-form-urlencoded). If you have any questions, we can help at \
         https://support.stripe.com/.",
    ))
}

fn with_stripe_headers(
    mut response: Response,
    request_id: &str,
    idempotency_key: Option<HeaderValue>,
) -> Response {
    let is_conflict = response.status() == StatusCode::CONFLICT;
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("request-id", id);
    }
    headers.insert("stripe-version", HeaderValue::from_static(API_VERSION));
    if let Some(key) = idempotency_key {
        headers.insert("idempotency-key", key);
    }
    if is_conflict {
        headers.insert("stripe-should-retry", HeaderValue::from_static("true"));
    }
    response
}
