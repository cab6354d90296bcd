//! Entity tags of products: the version, so that a change can name it, and a digest of the body, so
//! that the tag changes whenever the body does (RFC 9110, section 8.8.3).

use axum::http::HeaderValue;
use reen_error::Code;
use ring::digest::{SHA256, digest};

use crate::error::Error;

const DIGEST_BYTES: usize = 12;

/// The strong tag of `body`, which shows `version` of a product.
pub(crate) fn of(version: i64, body: &[u8]) -> Result<HeaderValue, Error> {
    let digest = digest(&SHA256, body);
    let digest = hex::encode(&digest.as_ref()[..DIGEST_BYTES]);
    HeaderValue::from_str(&format!("\"{version}-{digest}\"")).map_err(Error::internal)
}

/// What `If-Match` or `If-None-Match` names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// `*`: whatever is there.
    Any,
    /// One of these tags, quotes included.
    Tags(Vec<Tag>),
}

/// A tag that a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    weak: bool,
    opaque: String,
}

impl Precondition {
    /// `None` when it is malformed.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        if value.trim() == "*" {
            return Some(Self::Any);
        }
        let tags = value.split(',').map(Tag::parse).collect::<Option<_>>()?;
        Some(Self::Tags(tags))
    }

    /// Whether `tag` is among those named; weak ones count (RFC 9110, section 13.1.2).
    pub(crate) fn covers(&self, tag: &HeaderValue) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|each| each.opaque.as_bytes() == tag),
        }
    }

    /// The version that must still be there; `None` for any.
    ///
    /// Weak tags never match here (RFC 9110, section 13.1.1), and a tag that is not ours cannot. Of
    /// several versions a change can only be meant for the newest: versions grow, so that if any of
    /// them is current, it is that one.
    pub(crate) fn expected_version(&self) -> Result<Option<i64>, Error> {
        let Self::Tags(tags) = self else {
            return Ok(None);
        };
        let newest = tags.iter().filter_map(Tag::version).max();
        match newest {
            Some(version) => Ok(Some(version)),
            None => Err(Error::of(Code::PreconditionFailed)),
        }
    }
}

impl Tag {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (weak, opaque) = match text.strip_prefix("W/") {
            Some(opaque) => (true, opaque),
            None => (false, text),
        };
        let inside = opaque.strip_prefix('"')?.strip_suffix('"')?;
        (!inside.contains('"')).then(|| Self {
            weak,
            opaque: opaque.to_owned(),
        })
    }

    fn version(&self) -> Option<i64> {
        let (version, _digest) = self.opaque.trim_matches('"').split_once('-')?;
        version.parse().ok().filter(|_| !self.weak)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::Precondition;

    fn of(version: i64, body: &[u8]) -> HeaderValue {
        super::of(version, body).unwrap()
    }

    #[test]
    fn a_tag_names_the_version_and_the_body() {
        let tag = of(7, b"{}");
        assert_ne!(tag, of(7, b"[]"));
        assert_ne!(tag, of(8, b"{}"));
        let named = Precondition::parse(tag.to_str().unwrap()).unwrap();
        assert!(named.covers(&tag));
        assert_eq!(named.expected_version().unwrap(), Some(7));
    }

    #[test]
    fn lists_stars_and_weak_tags() {
        let tag = of(7, b"{}");
        let list = format!("\"x\", W/{}", tag.to_str().unwrap());
        let list = Precondition::parse(&list).unwrap();
        assert!(list.covers(&tag));
        assert!(list.expected_version().is_err());
        let any = Precondition::parse("*").unwrap();
        assert!(any.covers(&tag));
        assert_eq!(any.expected_version().unwrap(), None);
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for value in ["", "7", "\"7", "W/7", "\"a\"b\"", "\"a\",", "w/\"a\""] {
            assert_eq!(Precondition::parse(value), None, "{value}");
        }
    }
}
