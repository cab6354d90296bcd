//! `Idempotency-Key`: how clients name a request, so that repeating it has no second effect
//! (draft-ietf-httpapi-idempotency-key-header). An operation takes part when its documentation has the
//! header; elsewhere it is ignored.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use reen_error::Code;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Required, Response};

use crate::error::Error;
use crate::extract::only_header;

pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says, with an answer, that it was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The same two as the documentation writes them.
const KEY_TITLE: &str = "Idempotency-Key";
const REPLAYED_TITLE: &str = "Idempotency-Replayed";
const LONGEST_KEY: usize = 255;
const VISIBLE: &str = "^[!-~]+$";

const REFUSALS: [(&str, &str); 3] = [
    ("400", "`bad_idempotency_key`"),
    (
        "409",
        "`idempotency_in_flight`: the same request is still being worked on",
    ),
    (
        "422",
        "`idempotency_key_reused`: the key was used for another request",
    ),
];

/// The client's name for this request.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        Ok(Self(read(&parts.headers)?.map(str::to_owned)))
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let key = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(LONGEST_KEY))
            .pattern(Some(VISIBLE));
        let about = "A name that the client gives this request, unlike all its others. For 24 hours a \
            repeat under the same name has no second effect and gets the same answer.";
        let parameter = ParameterBuilder::new()
            .name(KEY_TITLE)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(key));
        vec![parameter.build()]
    }
}

/// The key of a request, when it has one.
pub(crate) fn read(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let refused = |message: &str| Error::new(Code::BadIdempotencyKey, message);
    let only = only_header(headers, &KEY).map_err(|error| refused(&error.to_string()))?;
    let Some(key) = only else {
        return Ok(None);
    };
    let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    if key.is_empty() || key.len() > LONGEST_KEY || !is_visible {
        let message = "Idempotency-Key must be 1 to 255 visible ASCII characters";
        return Err(refused(message));
    }
    Ok(Some(key))
}

/// Whether the operation takes part, by the `parameters` of its documentation.
pub(crate) fn is_taken(parameters: &Value) -> bool {
    let mut each = parameters.as_array().into_iter().flatten();
    each.any(|parameter| parameter["in"] == "header" && parameter["name"] == KEY_TITLE)
}

/// Documents what follows for an operation that takes part.
pub(crate) fn describe(operation: &mut Operation) {
    let mut parameters = operation.parameters.iter().flatten();
    if !parameters.any(|each| matches!(each, RefOr::T(each) if each.name == KEY_TITLE)) {
        return;
    }
    let responses = &mut operation.responses.responses;
    for (status, codes) in REFUSALS {
        let known = responses.entry(status.to_owned());
        let known = known.or_insert_with(|| Response::new("").into());
        if let RefOr::T(response) = known {
            let others = std::mem::take(&mut response.description);
            let all = [others.as_str(), codes].into_iter();
            let all: Vec<&str> = all.filter(|codes| !codes.is_empty()).collect();
            response.description = all.join(", ");
        }
    }
    for (_, response) in responses
        .iter_mut()
        .filter(|(status, _)| status.starts_with('2'))
    {
        if let RefOr::T(response) = response {
            let flag = ObjectBuilder::new().schema_type(Type::Boolean).build();
            let about = "`true` when this was answered before, and nothing was done now";
            let header = HeaderBuilder::new().schema(Some(flag));
            let header = header.description(Some(about)).build();
            response
                .headers
                .insert(REPLAYED_TITLE.to_owned(), header.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};
    use reen_error::{Code, Coded as _};
    use serde_json::json;

    use super::{KEY, is_taken, read};

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let values = values
            .iter()
            .map(|value| HeaderValue::from_bytes(value).unwrap());
        values
            .map(|value| (KEY, value))
            .fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            })
    }

    #[test]
    fn a_key_is_visible_and_not_too_long() {
        let longest = "k".repeat(255);
        assert_eq!(read(&headers(&[])).unwrap(), None);
        for key in ["k", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", &longest] {
            assert_eq!(read(&headers(&[key.as_bytes()])).unwrap(), Some(key));
        }
        let too_long = "k".repeat(256);
        let bad: [&[&[u8]]; 5] = [
            &[b""],
            &[b"a b"],
            &["ä".as_bytes()],
            &[too_long.as_bytes()],
            &[b"a", b"b"],
        ];
        for values in bad {
            let refused = read(&headers(values)).unwrap_err();
            assert_eq!(refused.code(), Code::BadIdempotencyKey);
        }
    }

    #[test]
    fn the_documentation_says_who_takes_part() {
        let key = json!({"in": "header", "name": "Idempotency-Key"});
        assert!(is_taken(&json!([{"in": "path", "name": "id"}, key])));
        assert!(!is_taken(&json!([{"in": "header", "name": "If-Match"}])));
        assert!(!is_taken(&json!(null)));
    }
}
