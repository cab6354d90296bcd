use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::ReadHeaders;
use crate::error::Error;
use crate::etag;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Anybody may keep it, but must ask whether it is still right before using it.
const REVALIDATE: HeaderValue = HeaderValue::from_static("public, no-cache");
/// Between the parts of an answer in Redis; none but the body, which is last, can have one.
const SEPARATOR: u8 = b'\n';
/// Of an encoded answer beside tag and body: a mark, a number, two separators.
const LONGEST_HEAD: usize = 23;

/// A public answer, ready to be sent: cheap to clone, and never serialised again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    tag: HeaderValue,
    /// Of lists: how many there are in all.
    total: Option<i64>,
    body: Bytes,
}

impl Answer {
    /// A JSON document, and the strong tag that stands for it.
    pub(crate) fn tagged(tag: HeaderValue, body: Vec<u8>) -> Self {
        Self {
            tag,
            total: None,
            body: body.into(),
        }
    }

    /// A view as a JSON document, with a tag that stands for the document and nothing else.
    pub(crate) fn showing(view: &impl Serialize) -> Result<Self, Error> {
        let body = serde_json::to_vec(view).map_err(Error::internal)?;
        Ok(Self::tagged(etag::of_body(&body)?, body))
    }

    /// The same, and how many there are in all.
    pub(crate) fn with_total(self, total: i64) -> Self {
        Self {
            total: Some(total),
            ..self
        }
    }

    /// How many there are in all; 0 of what is no list.
    pub(crate) fn total(&self) -> i64 {
        self.total.unwrap_or_default()
    }

    /// How many bytes it takes, about.
    pub(super) fn size(&self) -> usize {
        self.body.len() + self.tag.len()
    }

    /// The response to who asked like this: without what the client has already.
    pub(crate) fn respond(&self, asked: &ReadHeaders) -> Response {
        let known = asked.known.as_ref();
        let is_known = known.is_some_and(|known| known.covers(&self.tag));
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Response::new(Body::from(self.body.clone()))
        };
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: HeaderValue| drop(headers.insert(name, value));
        if !is_known {
            set(header::CONTENT_TYPE, JSON);
        }
        set(header::ETAG, self.tag.clone());
        set(header::CACHE_CONTROL, REVALIDATE);
        response
    }

    /// As Redis keeps it, behind `mark`.
    pub(super) fn encode(&self, mark: u8) -> Vec<u8> {
        let total = self.total.map(|total| total.to_string());
        let mut encoded = Vec::with_capacity(self.size() + LONGEST_HEAD);
        encoded.push(mark);
        encoded.extend_from_slice(self.tag.as_bytes());
        encoded.push(SEPARATOR);
        encoded.extend_from_slice(total.unwrap_or_default().as_bytes());
        encoded.push(SEPARATOR);
        encoded.extend_from_slice(&self.body);
        encoded
    }

    /// What [`Self::encode`] made, without its mark; `None` of what is malformed.
    pub(super) fn decode(encoded: &Bytes) -> Option<Self> {
        let mut parts = encoded.splitn(3, |byte| *byte == SEPARATOR);
        let (tag, total, body) = (parts.next()?, parts.next()?, parts.next()?);
        let total = std::str::from_utf8(total).ok()?;
        let total = (!total.is_empty()).then(|| total.parse());
        Some(Self {
            tag: HeaderValue::from_bytes(tag).ok()?,
            total: total.transpose().ok()?,
            body: encoded.slice_ref(body),
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::HeaderValue;

    use super::Answer;

    #[test]
    fn an_answer_survives_redis() {
        let tag = HeaderValue::from_static("\"7-a\"");
        let one = Answer::tagged(tag, b"[1,\n2]".to_vec());
        for answer in [one.clone().with_total(250), one] {
            let encoded = Bytes::from(answer.encode(b'A'));
            assert_eq!(Answer::decode(&encoded.slice(1..)), Some(answer));
        }
    }

    #[test]
    fn what_is_malformed_is_no_answer() {
        for encoded in [
            "",
            "\"tag\"",
            "\"tag\"\n12",
            "\"tag\"\nx\n{}",
            "\u{1}\n\n{}",
        ] {
            assert_eq!(Answer::decode(&Bytes::from(encoded)), None, "{encoded:?}");
        }
    }

    #[test]
    fn the_total_is_remembered() {
        let answer = Answer::showing(&["a"]).unwrap();
        assert_eq!(answer.total(), 0);
        assert_eq!(answer.with_total(7).total(), 7);
    }
}
