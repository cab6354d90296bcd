use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest as _, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use reen_chassis::CallContext;
use reen_error::Code;

use super::limit::{self, Counted};
use crate::error::Error;
use crate::extract::{NoBody, SignedIn};
use crate::gateway::{Gateway, Shared};
use crate::rules::{Access, Operation};
use crate::tokens::ApiKeys;
use crate::version::Version;

const SCHEME: &str = "bearer";

/// Finds what the document says of the operation, verifies the credentials as it demands, and hands
/// both on. Everything behind it happens on behalf of the user.
pub(crate) async fn apply_rules(
    State(gateway): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let Some(operation) = find(&gateway, &request) else {
        // A method that the path does not take: the router says so.
        return Ok(next.run(request).await);
    };
    let user = sign_in(&gateway, &operation, request.headers()).await;
    // Who presents bad credentials is counted as well, by the address.
    let known = user.as_ref().ok().and_then(Option::as_ref);
    let client = limit::client(&gateway, known, &request);
    let counted = Counted::of(&gateway, &operation, &client).await;
    if let Some(refusal) = counted.as_ref().and_then(Counted::refusal) {
        return Ok(refusal);
    }
    let user = user?;
    request.extensions_mut().insert(operation.clone());
    // A body of GET has no meaning (RFC 9110, section 9.3.1): it is not looked at.
    if !operation.takes_body() && !request.method().is_safe() {
        request = without_body(request).await?;
    }
    let context = CallContext {
        user: user.as_ref().map(|signed_in| signed_in.user.clone()),
        ..CallContext::current()
    };
    if let Some(signed_in) = user {
        request.extensions_mut().insert(signed_in);
    }
    let mut response = context.scope(next.run(request)).await;
    if let Some(retirement) = &operation.retirement {
        retirement.tell(response.headers_mut());
    }
    if let Some(counted) = counted {
        counted.tell(&mut response);
    }
    Ok(response)
}

/// Refuses a body that says anything; what goes on has none.
async fn without_body(request: Request) -> Result<Request, Error> {
    let (parts, body) = request.into_parts();
    let head = Parts::clone(&parts);
    NoBody::from_request(Request::from_parts(parts, body), &()).await?;
    Ok(Request::from_parts(head, Body::empty()))
}

fn find(gateway: &Gateway, request: &Request) -> Option<Arc<Operation>> {
    let path = request.extensions().get::<MatchedPath>()?;
    let version = Version::current();
    gateway.rules.of(version, path.as_str(), request.method())
}

async fn sign_in(
    gateway: &Gateway,
    operation: &Operation,
    headers: &HeaderMap,
) -> Result<Option<SignedIn>, Error> {
    match (operation.access, headers.get(header::AUTHORIZATION)) {
        (Access::Public, _) | (Access::Optional, None) => Ok(None),
        (Access::SignedIn, None) => Err(Error::of(Code::Unauthenticated)),
        (_, Some(value)) => {
            let token = value.to_str().ok().and_then(bearer_token);
            let token = token.ok_or_else(|| Error::of(Code::Unauthenticated))?;
            if ApiKeys::is_one(token) {
                return gateway.api_keys.admit(token, operation).await.map(Some);
            }
            let user = gateway.access_tokens.verify(token).await?;
            Ok(Some(SignedIn::by_token(user)))
        }
    }
}

fn bearer_token(credentials: &str) -> Option<&str> {
    let (scheme, token) = credentials.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case(SCHEME)
        .then(|| token.trim())
        .filter(|token| !token.is_empty())
}
