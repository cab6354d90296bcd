use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use reen_error::Code;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::ObjectBuilder;

use crate::error::Error;
use crate::views::fields;

const PARAMETER: &str = "id";
const ID_DIGITS: usize = 24;
const CLERK_PREFIX: &str = "user_";
const LONGEST_CLERK_ID: usize = 64;
const LONGEST_SAGA_ID: usize = 200;

/// The id in the path: 24 hexadecimal digits, in lower case. Anything else cannot exist, so it is
/// `not_found` without asking anybody.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        path_parameter(parts, state)
            .await
            .filter(|id| is_object_id(id))
            .map(|id| Self(id.to_ascii_lowercase()))
            .ok_or_else(|| Error::of(Code::NotFound))
    }
}

impl IntoParams for Id {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![parameter("24 hexadecimal digits.", fields::id())]
    }
}

/// The id of a user in the path: our own or Clerk's. (`me` is a route of its own.)
pub(crate) struct UserId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for UserId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        match path_parameter(parts, state).await {
            Some(id) if is_object_id(&id) => Ok(Self(id.to_ascii_lowercase())),
            Some(id) if is_clerk_id(&id) => Ok(Self(id)),
            _ => Err(Error::of(Code::NotFound)),
        }
    }
}

impl IntoParams for UserId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "24 hexadecimal digits, or an id of Clerk (`user_…`).";
        vec![parameter(about, fields::text(1, LONGEST_CLERK_ID))]
    }
}

/// The id of a saga in the path: its kind and its key.
pub(crate) struct SagaId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for SagaId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        path_parameter(parts, state)
            .await
            .filter(|id| is_saga_id(id))
            .map(Self)
            .ok_or_else(|| Error::of(Code::NotFound))
    }
}

impl IntoParams for SagaId {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about = "Kind and key, e.g. `order-completed:66f0c0ffee66f0c0ffee66f0`.";
        vec![parameter(about, fields::text(1, LONGEST_SAGA_ID))]
    }
}

fn parameter(about: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(PARAMETER)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(about))
        .schema(Some(schema))
        .build()
}

async fn path_parameter<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(parts, state).await.ok()?;
    parameters
        .iter()
        .find(|(name, _)| *name == PARAMETER)
        .map(|(_, value)| value.to_owned())
}

/// Whether `id` can be the id of a document.
pub(crate) fn is_object_id(id: &str) -> bool {
    id.len() == ID_DIGITS && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_clerk_id(id: &str) -> bool {
    id.len() <= LONGEST_CLERK_ID
        && id.strip_prefix(CLERK_PREFIX).is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

fn is_saga_id(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":_.-".contains(&byte);
    id.len() <= LONGEST_SAGA_ID && id.contains(':') && id.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_SAGA_ID, is_clerk_id, is_object_id, is_saga_id};

    #[test]
    fn a_saga_has_a_kind_and_a_key() {
        assert!(is_saga_id("order-completed:66f0c0ffee66f0c0ffee66f0"));
        assert!(is_saga_id("payment-refunded:pi_3N:1250"));
        for id in ["", "order-completed", "a:b/c", "a:b c", "a:\u{e4}"] {
            assert!(!is_saga_id(id), "{id}");
        }
        assert!(!is_saga_id(&format!("a:{}", "b".repeat(LONGEST_SAGA_ID))));
    }

    #[test]
    fn only_ids_are_ids() {
        assert!(is_object_id("66f0c0ffee66f0c0ffee66f0"));
        for id in [
            "",
            "66f0",
            "66f0c0ffee66f0c0ffee66fg",
            "66f0c0ffee66f0c0ffee66f0a",
        ] {
            assert!(!is_object_id(id), "{id}");
        }
        assert!(is_clerk_id("user_2abcDEF"));
        for id in [
            "user_",
            "user_a/b",
            "me",
            &format!("user_{}", "a".repeat(60)),
        ] {
            assert!(!is_clerk_id(id), "{id}");
        }
    }
}
