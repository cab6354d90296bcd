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
    /// Whether a program acts for the user, which never does so as an operator.
    pub(crate) is_by_api_key: bool,
}

impl SignedIn {
    /// Who has signed in.
    pub(crate) fn by_token(user: Arc<str>) -> Self {
        Self {
            user,
            is_by_api_key: false,
        }
    }

    /// For whom a program acts.
    pub(crate) fn by_api_key(user: Arc<str>) -> Self {
        Self {
            user,
            is_by_api_key: true,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let signed_in = parts.extensions.get::<Self>().cloned();
        signed_in.ok_or_else(|| Error::of(Code::Unauthenticated))
    }
}
