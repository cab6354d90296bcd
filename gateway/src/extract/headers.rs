use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use reen_error::Code;

use crate::error::Error;
use crate::etag::Precondition;

/// What a change is meant for, when the client says so.
pub(crate) struct IfMatch(pub(crate) Option<Precondition>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let Some(value) = joined(&parts.headers, &header::IF_MATCH)? else {
            return Ok(Self(None));
        };
        let malformed = || Error::new(Code::BadHeader, "If-Match must be entity tags or *");
        Precondition::parse(&value)
            .ok_or_else(malformed)
            .map(|precondition| Self(Some(precondition)))
    }
}

/// What the client has already.
pub(crate) struct IfNoneMatch(pub(crate) Option<Precondition>);

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        // One that cannot be read matches nothing: the answer is whole, and right.
        let value = joined(&parts.headers, &header::IF_NONE_MATCH)?;
        Ok(Self(value.as_deref().and_then(Precondition::parse)))
    }
}

/// The one value of a header, as text.
pub(crate) fn only_header<'request>(
    headers: &'request HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'request str>, Error> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => text(name, value).map(Some),
        (Some(_), Some(_)) => Err(Error::new(
            Code::BadHeader,
            format!("{name} is given twice"),
        )),
    }
}

/// The list that a header holds; on several lines it is one list all the same (RFC 9110, section 5.3).
fn joined(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Error> {
    let lines = headers.get_all(name).iter();
    let lines: Vec<&str> = lines
        .map(|line| text(name, line))
        .collect::<Result<_, _>>()?;
    Ok((!lines.is_empty()).then(|| lines.join(",")))
}

fn text<'value>(name: &HeaderName, value: &'value HeaderValue) -> Result<&'value str, Error> {
    value
        .to_str()
        .map_err(|_| Error::new(Code::BadHeader, format!("{name} must be ASCII")))
}
