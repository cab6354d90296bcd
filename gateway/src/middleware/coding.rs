//! Content codings, and what they do to entity tags: the compressed form of an answer is another
//! representation, and needs a strong tag of its own (RFC 9110, section 8.8.3.3).

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// A way to compress an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Gzip,
}

/// As good as none, in thousandths.
const FULL_WEIGHT: u16 = 1000;

impl Coding {
    /// The best first.
    const ALL: [Self; 2] = [Self::Brotli, Self::Gzip];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// What a tag ends with, its closing quote included.
    const fn mark(self) -> &'static str {
        match self {
            Self::Brotli => "-br\"",
            Self::Gzip => "-gzip\"",
        }
    }

    /// The coding that the client likes best; `None` for one that takes none of ours.
    pub(crate) fn accepted_by(headers: &HeaderMap) -> Option<Self> {
        let mut best = None;
        for coding in Self::ALL {
            let weight = weight_of(coding.word(), headers);
            if weight > best.map_or(0, |(_, weight)| weight) {
                best = Some((coding, weight));
            }
        }
        best.map(|(coding, _)| coding)
    }

    /// Whether an answer is in this coding.
    pub(crate) fn was_used(self, headers: &HeaderMap) -> bool {
        let coding = headers.get(header::CONTENT_ENCODING);
        coding.is_some_and(|coding| coding == self.word())
    }

    /// Makes the tag of an answer that of its compressed form.
    pub(crate) fn mark_tag(self, headers: &mut HeaderMap) {
        let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok());
        let marked = tag
            .filter(|tag| !tag.starts_with("W/"))
            .and_then(|tag| tag.strip_suffix('"'))
            .map(|tag| format!("{tag}{}", self.mark()));
        if let Some(Ok(tag)) = marked.as_deref().map(HeaderValue::from_str) {
            headers.insert(header::ETAG, tag);
        }
    }

    /// Whether the client has something in this coding.
    pub(crate) fn is_among_tags(self, headers: &HeaderMap) -> bool {
        let lines = headers.get_all(header::IF_NONE_MATCH).iter();
        let mut lines = lines.filter_map(|line| line.to_str().ok());
        lines.any(|line| line.contains(self.mark()))
    }

    /// Gives the tags that come back their bare form, by which handlers know them. A change is meant for
    /// what was shown, in whatever coding; but what the client cannot take now, it does not have.
    pub(crate) fn strip_tags(headers: &mut HeaderMap, accepted: Option<Self>) {
        strip(headers, &header::IF_MATCH, &Self::ALL);
        strip(headers, &header::IF_NONE_MATCH, accepted.as_slice());
    }
}

fn strip(headers: &mut HeaderMap, name: &HeaderName, codings: &[Coding]) {
    for line in headers.iter_mut().filter(|(each, _)| *each == name) {
        let Ok(text) = line.1.to_str() else { continue };
        // A quote ends a tag wherever it stands: there is none inside.
        let bare = codings.iter().fold(text.to_owned(), |text, coding| {
            text.replace(coding.mark(), "\"")
        });
        if let Ok(bare) = HeaderValue::from_str(&bare) {
            *line.1 = bare;
        }
    }
}

/// How much the client likes `coding`, in thousandths (RFC 9110, section 12.5.3).
fn weight_of(coding: &str, headers: &HeaderMap) -> u16 {
    let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
    let elements = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    let mut any = None;
    for element in elements {
        let (name, parameters) = element.split_once(';').unwrap_or((element, ""));
        let name = name.trim();
        if name.eq_ignore_ascii_case(coding) {
            return weight(parameters);
        }
        if name == "*" {
            any = Some(weight(parameters));
        }
    }
    any.unwrap_or(0)
}

/// Of `q=0.5`; of nothing, all of it.
fn weight(parameters: &str) -> u16 {
    let parameters = parameters.trim();
    if parameters.is_empty() {
        return FULL_WEIGHT;
    }
    let value = parameters
        .strip_prefix("q=")
        .or_else(|| parameters.strip_prefix("Q="));
    value.and_then(thousandths).unwrap_or(0)
}

/// At most three decimals, and never more than one.
fn thousandths(value: &str) -> Option<u16> {
    let (whole, decimals) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    let whole: u16 = whole.parse().ok()?;
    let decimals: u16 = format!("{decimals:0<3}").get(..3)?.parse().ok()?;
    let all = whole.checked_mul(FULL_WEIGHT)?.checked_add(decimals)?;
    (all <= FULL_WEIGHT).then_some(all)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, header};

    use super::Coding;

    fn headers(name: &HeaderName, lines: &[&str]) -> HeaderMap {
        let lines = lines
            .iter()
            .map(|line| (name.clone(), line.parse().unwrap()));
        lines.collect()
    }

    #[test]
    fn the_client_says_what_it_likes_best() {
        for (lines, expected) in [
            (&["gzip, deflate, br"][..], Some(Coding::Brotli)),
            (&["gzip"], Some(Coding::Gzip)),
            (&["GZIP;q=0.5", "br;q=0.4"], Some(Coding::Gzip)),
            (&["br;q=0, *"], Some(Coding::Gzip)),
            (&["*"], Some(Coding::Brotli)),
            (&["br;q=0.001"], Some(Coding::Brotli)),
            (&["identity"], None),
            (&["identity;q=0"], None),
            (&["gzip;q=0, br;q=0.000"], None),
            (&["gzip;q=x, br;q=7, deflate"], None),
            (&[""], None),
            (&[], None),
        ] {
            let headers = headers(&header::ACCEPT_ENCODING, lines);
            assert_eq!(Coding::accepted_by(&headers), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_strong_tag_is_marked_and_a_weak_one_is_not() {
        for (tag, marked) in [("\"7-ab\"", "\"7-ab-gzip\""), ("W/\"7-ab\"", "W/\"7-ab\"")] {
            let mut headers = headers(&header::ETAG, &[tag]);
            Coding::Gzip.mark_tag(&mut headers);
            assert_eq!(headers[header::ETAG], marked);
        }
    }

    #[test]
    fn what_was_marked_is_known_again() {
        let tags = &["\"a-br\", \"b-gzip\"", "\"c\", W/\"d-gzip\""];
        let mut known = headers(&header::IF_NONE_MATCH, tags);
        assert!(Coding::Gzip.is_among_tags(&known));
        Coding::strip_tags(&mut known, Some(Coding::Gzip));
        let lines: Vec<_> = known.get_all(header::IF_NONE_MATCH).iter().collect();
        assert_eq!(lines, ["\"a-br\", \"b\"", "\"c\", W/\"d\""]);
        let mut change = headers(&header::IF_MATCH, tags);
        Coding::strip_tags(&mut change, None);
        assert_eq!(change[header::IF_MATCH], "\"a\", \"b\"");
    }
}
