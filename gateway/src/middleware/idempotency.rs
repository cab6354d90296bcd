use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest as _, Request};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use reen_chassis::{CallContext, IdempotencyKey};

use crate::error::Error;
use crate::extract::{RawBody, read_json};
use crate::idempotency::{self, REPLAYED};
use crate::rules::Operation;

const YES: HeaderValue = HeaderValue::from_static("true");

/// Hands the client's name for a request on to the service that has the effect, and tells the client
/// when the answer is not a new one. The service keeps the names: nothing of them is here.
pub(crate) async fn carry_key(request: Request, next: Next) -> Result<Response, Error> {
    let operation = request.extensions().get::<Arc<Operation>>();
    if !operation.is_some_and(|operation| operation.takes_key) {
        return Ok(next.run(request).await);
    }
    let Some(key) = idempotency::read(request.headers())?.map(str::to_owned) else {
        return Ok(next.run(request).await);
    };
    let (request, body) = read_body(request).await?;
    let body = canonical(&body);
    let asked = [request.method().as_str(), request.uri().path()].map(str::as_bytes);
    let asked = asked.into_iter().chain([body.as_slice()]);
    let key = IdempotencyKey::new(&key, asked);
    let context = CallContext {
        idempotency: Some(key.clone()),
        ..CallContext::current()
    };
    let mut response = context.scope(next.run(request)).await;
    if key.was_replayed() && response.status().is_success() {
        response.headers_mut().insert(REPLAYED, YES);
    }
    Ok(response)
}

/// The body, and the request that still has it.
async fn read_body(request: Request) -> Result<(Request, axum::body::Bytes), Error> {
    let (parts, body) = request.into_parts();
    let head = Parts::clone(&parts);
    let RawBody(bytes) = RawBody::from_request(Request::from_parts(parts, body), &()).await?;
    Ok((Request::from_parts(head, Body::from(bytes.clone())), bytes))
}

/// The body written in one way, however the client's library writes it. One that is not JSON is refused
/// further on.
fn canonical(body: &[u8]) -> Vec<u8> {
    let sorted = read_json(body).and_then(|mut value| {
        value.sort_all_objects();
        serde_json::to_vec(&value)
    });
    sorted.unwrap_or_else(|_| body.to_vec())
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn a_body_is_the_same_however_it_is_written() {
        let one = canonical(br#"{"a": 1, "b": {"c": 2, "d": [1, 2]}}"#);
        assert_eq!(one, canonical(br#"{"b":{"d":[1,2.0],"c":2},"a":1}"#));
        assert_ne!(one, canonical(br#"{"b":{"d":[2,1],"c":2},"a":1}"#));
        assert_eq!(canonical(b"{"), b"{");
    }
}
