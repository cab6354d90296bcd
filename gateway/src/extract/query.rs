use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::operation;
use crate::error::Error;

/// A query string that is what the document says of this operation.
pub(crate) struct ValidQuery<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for ValidQuery<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let rules = operation(&parts.extensions)?;
        let query = rules.query.check(parts.uri.query().unwrap_or_default())?;
        serde_json::from_value(query)
            .map(Self)
            .map_err(Error::internal)
    }
}
