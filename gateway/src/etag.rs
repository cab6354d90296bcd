//! Entity tags of products: the version, so that a change can name it, and a digest of the body, so
//! that the tag changes whenever the body does (RFC 9110, section 8.8.3).

use axum::http::HeaderValue;
use ring::digest::{SHA256, digest};

use crate::error::Error;

const DIGEST_BYTES: usize = 12;
/// What may stand around the elements of a list.
const WHITE: [char; 2] = [' ', '\t'];

/// The strong tag of `body`, which shows `version` of a product.
pub(crate) fn of(version: i64, body: &[u8]) -> Result<HeaderValue, Error> {
    let digest = digest_of(body);
    HeaderValue::from_str(&format!("\"{version}-{digest}\"")).map_err(Error::internal)
}

/// The strong tag of `body`, which has no version.
pub(crate) fn of_body(body: &[u8]) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(&format!("\"{}\"", digest_of(body))).map_err(Error::internal)
}

fn digest_of(body: &[u8]) -> String {
    hex::encode(&digest(&SHA256, body).as_ref()[..DIGEST_BYTES])
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
        let mut tags = Vec::new();
        let mut rest = value.trim_matches(WHITE);
        while !rest.is_empty() {
            // Empty elements of a list count for nothing (RFC 9110, section 5.6.1).
            if !rest.starts_with(',') {
                let (tag, behind) = Tag::parse(rest)?;
                tags.push(tag);
                rest = behind.trim_start_matches(WHITE);
            }
            rest = match rest.strip_prefix(',') {
                Some(next) => next.trim_start_matches(WHITE),
                None if rest.is_empty() => rest,
                None => return None,
            };
        }
        (!tags.is_empty()).then_some(Self::Tags(tags))
    }

    /// Whether `tag` is among those named; weak ones count (RFC 9110, section 13.1.2).
    pub(crate) fn covers(&self, tag: &HeaderValue) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|each| each.opaque.as_bytes() == tag),
        }
    }

    /// The same, but weak tags never match (RFC 9110, section 13.1.1).
    pub(crate) fn covers_strongly(&self, tag: &HeaderValue) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags
                .iter()
                .any(|each| !each.weak && each.opaque.as_bytes() == tag),
        }
    }
}

impl Tag {
    /// The tag that `text` begins with, and what is behind it. Between its quotes a comma is no end.
    fn parse(text: &str) -> Option<(Self, &str)> {
        let (weak, quoted) = match text.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, text),
        };
        let inside = quoted.strip_prefix('"')?;
        let end = inside.find('"')?;
        let is_visible = inside[..end].bytes().all(|byte| byte.is_ascii_graphic());
        let (opaque, behind) = quoted.split_at(end + "\"\"".len());
        let opaque = opaque.to_owned();
        is_visible.then_some((Self { weak, opaque }, behind))
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
        assert!(named.covers_strongly(&tag));
    }

    #[test]
    fn lists_stars_and_weak_tags() {
        let tag = of(7, b"{}");
        let list = format!("\"x\", W/{}", tag.to_str().unwrap());
        let list = Precondition::parse(&list).unwrap();
        assert!(list.covers(&tag));
        assert!(!list.covers_strongly(&tag));
        let any = Precondition::parse("*").unwrap();
        assert!(any.covers(&tag) && any.covers_strongly(&tag));
    }

    #[test]
    fn a_comma_within_quotes_is_part_of_the_tag() {
        let tag = HeaderValue::from_static("\"a,b\"");
        for value in ["\"a,b\"", ",\"x\" ,, \"a,b\",", "\"x\",W/\"y\",\"a,b\""] {
            let named = Precondition::parse(value).unwrap();
            assert!(named.covers_strongly(&tag), "{value}");
        }
        let others = Precondition::parse("\"a\",\"b\"").unwrap();
        assert!(!others.covers(&tag));
    }

    #[test]
    fn what_is_no_tag_is_refused() {
        for value in [
            "",
            ",",
            "7",
            "\"7",
            "W/7",
            "\"a\"b\"",
            "\"a\"\"b\"",
            "\"a b\"",
            "*,\"a\"",
            "w/\"a\"",
        ] {
            assert_eq!(Precondition::parse(value), None, "{value}");
        }
    }
}
