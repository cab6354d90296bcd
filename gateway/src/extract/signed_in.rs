use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use reen_error::Code;

use crate::error::Error;

/// The user who is signed in, put into the request by [`crate::middleware::apply_rules`] after the
/// credentials were verified. Only an operation whose documentation asks for credentials gets one.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) user: Arc<str>,
}

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let signed_in = parts.extensions.get::<Self>().cloned();
        signed_in.ok_or_else(|| Error::of(Code::Unauthenticated))
    }
}
