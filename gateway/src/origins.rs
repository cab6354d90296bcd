//! Whose pages may call from a browser.

use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;

/// How browsers tell from where a request comes (W3C, Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origins of the storefronts (scheme, host and port of each).
#[derive(Clone, Debug)]
pub struct Origins {
    allowed: Vec<HeaderValue>,
    local: bool,
}

impl Default for Origins {
    fn default() -> Self {
        Self {
            allowed: vec![HeaderValue::from_static("http://localhost:3000")],
            local: true,
        }
    }
}

impl FromStr for Origins {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, Self::Err> {
        let pages = list.split(',').map(parse).collect::<Result<Vec<_>, _>>()?;
        let allowed = pages
            .iter()
            .map(|page| HeaderValue::from_str(&page.origin().ascii_serialization()))
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            allowed,
            local: pages.iter().all(is_local),
        })
    }
}

fn parse(page: &str) -> Result<Url, String> {
    let url = Url::parse(page.trim()).map_err(|error| error.to_string())?;
    match (url.scheme(), url.has_host()) {
        ("http" | "https", true) => Ok(url),
        _ => Err("each must be an http or https URL".to_owned()),
    }
}

fn is_local(page: &Url) -> bool {
    page.scheme() == "http" && page.host_str() == Some("localhost")
}

impl Origins {
    /// As values of the `Origin` header.
    pub(crate) fn header_values(&self) -> Vec<HeaderValue> {
        self.allowed.clone()
    }

    /// Whether every page is served from this machine, without TLS.
    pub(crate) fn are_local(&self) -> bool {
        self.local
    }

    /// Whether a request may use the refresh cookie. Browsers name the origin of the page that asks;
    /// it must be a storefront's, or our own (the documentation page). One that names none must not say
    /// that it comes from elsewhere; programs say nothing at all.
    pub(crate) fn may_use_cookies(&self, headers: &HeaderMap) -> bool {
        match headers.get(header::ORIGIN) {
            Some(origin) => self.allowed.contains(origin) || is_own(origin, headers),
            None => headers.get(FETCH_SITE).is_none_or(is_here),
        }
    }
}

/// What `Sec-Fetch-Site` says of a page of ours, and of an address that was typed.
fn is_here(site: &HeaderValue) -> bool {
    site == "same-origin" || site == "none"
}

fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let authority = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"))
        .map(|(_, authority)| authority.as_bytes());
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    authority.is_some() && authority == host
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::Origins;

    fn headers(origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("host", "api.example:8000".parse().unwrap());
        headers.insert("origin", origin.parse().unwrap());
        headers
    }

    #[test]
    fn a_path_is_no_part_of_an_origin() {
        let origins: Origins = "https://shop.example/de/, http://localhost:3000"
            .parse()
            .unwrap();
        assert!(origins.may_use_cookies(&headers("https://shop.example")));
        assert!(origins.may_use_cookies(&headers("http://localhost:3000")));
        assert!(!origins.are_local());
    }

    #[test]
    fn strangers_are_refused() {
        let origins = Origins::default();
        for stranger in ["https://evil.example", "null", "http://localhost:3000.evil"] {
            assert!(!origins.may_use_cookies(&headers(stranger)), "{stranger}");
        }
    }

    #[test]
    fn no_origin_and_our_own_are_allowed() {
        let origins = Origins::default();
        assert!(origins.may_use_cookies(&HeaderMap::new()));
        assert!(origins.may_use_cookies(&headers("http://api.example:8000")));
    }
}
