use axum::extract::{OriginalUri, Request};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Uri};

use super::history::routed;
use super::{Asked, VERSION, Version};

/// Before a path without a version; the header names it then.
const UNVERSIONED: &str = "/api";

/// What [`route`] leaves for [`super::keep`]: how the request asks, unless in no version that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice(pub(super) Option<Asked>);

/// Runs before the router does: notes how the request asks and leads it to the path of version 1.
pub(crate) fn route(mut request: Request) -> Request {
    let (asked, rest) = choose(request.uri().path(), request.headers());
    let led = match (asked, rest) {
        (Some(asked), Some(rest)) if asked.base != Version::First.base() => {
            routed(asked.version, rest).and_then(|rest| lead(request.uri(), rest))
        }
        _ => None,
    };
    request.extensions_mut().insert(Choice(asked));
    if let Some(led) = led {
        let original = std::mem::replace(request.uri_mut(), led);
        request.extensions_mut().insert(OriginalUri(original));
    }
    request
}

/// The address as the client wrote it.
pub(crate) fn asked_uri(request: &Request) -> &Uri {
    let original = request.extensions().get::<OriginalUri>();
    original.map_or_else(|| request.uri(), |original| &original.0)
}

/// How a request asks, and for what below its base. A path that names a version speaks for itself.
fn choose<'path>(path: &'path str, headers: &HeaderMap) -> (Option<Asked>, Option<&'path str>) {
    for version in Version::ALL {
        if let Some(rest) = below(version.base(), path) {
            return (Some(Asked::of(version)), Some(rest));
        }
    }
    match below(UNVERSIONED, path) {
        Some(rest) if !names_a_version(rest) => {
            let asked = named(headers).map(|version| Asked {
                version,
                base: UNVERSIONED,
            });
            (asked, Some(rest))
        }
        _ => (Some(Asked::of(Version::First)), None),
    }
}

/// What is behind `base`, with its slash.
fn below<'path>(base: &str, path: &'path str) -> Option<&'path str> {
    path.strip_prefix(base).filter(|rest| rest.starts_with('/'))
}

/// Whether a path means a version, though not one that there is.
fn names_a_version(rest: &str) -> bool {
    let segment = rest.trim_start_matches('/').split('/').next();
    let number = segment.and_then(|segment| segment.strip_prefix('v'));
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The version that the header names, the first without it.
fn named(headers: &HeaderMap) -> Option<Version> {
    let mut values = headers.get_all(VERSION).iter();
    match (values.next(), values.next()) {
        (None, _) => Some(Version::First),
        (Some(value), None) => Version::from_number(value.to_str().ok()?.trim()),
        (Some(_), Some(_)) => None,
    }
}

fn lead(uri: &Uri, rest: &str) -> Option<Uri> {
    let base = Version::First.base();
    let path = match uri.query() {
        Some(query) => format!("{base}{rest}?{query}"),
        None => format!("{base}{rest}"),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;

    use super::{Choice, asked_uri, route};
    use crate::version::{Asked, Version};

    fn routed(path: &str, header: Option<&str>) -> (Option<Asked>, String, String) {
        let mut request = Request::get(path);
        if let Some(header) = header {
            request = request.header("reen-version", header);
        }
        let request = route(request.body(Body::empty()).unwrap());
        let Choice(asked) = *request.extensions().get::<Choice>().unwrap();
        (
            asked,
            request.uri().to_string(),
            asked_uri(&request).path().to_owned(),
        )
    }

    #[test]
    fn a_path_speaks_for_itself() {
        let first = Some(Asked::of(Version::First));
        for header in [None, Some("2"), Some("nonsense")] {
            let (asked, path, original) = routed("/api/v1/products?a=b", header);
            assert_eq!((asked, path.as_str()), (first, "/api/v1/products?a=b"));
            assert_eq!(original, "/api/v1/products");
        }
        let (asked, path, original) = routed("/api/v2/products?a=b%20c", Some("1"));
        assert_eq!(asked, Some(Asked::of(Version::Second)));
        assert_eq!(path, "/api/v1/products?a=b%20c");
        assert_eq!(original, "/api/v2/products");
    }

    #[test]
    fn without_a_version_in_the_path_the_header_names_it() {
        for (header, version) in [
            (None, Version::First),
            (Some("1"), Version::First),
            (Some("2"), Version::Second),
        ] {
            let (asked, path, _) = routed("/api/cart-items", header);
            let expected = Asked {
                version,
                base: "/api",
            };
            assert_eq!(
                (asked, path.as_str()),
                (Some(expected), "/api/v1/cart-items")
            );
        }
        for header in ["", "3", "v2", "1,2"] {
            assert_eq!(routed("/api/cart-items", Some(header)).0, None, "{header}");
        }
    }

    #[test]
    fn what_is_not_of_the_interface_stays_where_it_is() {
        for path in [
            "/health/live",
            "/api-gateway/documentation",
            "/api/v3/products",
            "/api",
        ] {
            let (asked, led, _) = routed(path, Some("2"));
            assert_eq!(
                (asked, led.as_str()),
                (Some(Asked::of(Version::First)), path)
            );
        }
    }

    #[test]
    fn what_has_another_name_in_the_second_version_has_the_old_one_no_more() {
        assert_eq!(
            routed("/api/v2/auth/users", None).1,
            "/api/v1/auth/find-all"
        );
        let old = "/api/v2/auth/find-all";
        assert_eq!(routed(old, None).1, old);
        assert_eq!(routed("/api/v1/auth/users", None).1, "/api/v1/auth/users");
    }
}
