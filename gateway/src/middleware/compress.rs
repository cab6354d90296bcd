use axum::body::Body;
use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use tower::{Layer as _, ServiceExt as _};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate as _, SizeAbove};

use super::coding::Coding;

/// Shorter ones fit into one packet anyway.
const WORTH_IT_BYTES: u64 = 1024;

/// Compresses what is worth it, for clients that say that they can read it. The tag of a compressed
/// answer is another one than that of the bare one, and is understood when it comes back.
pub(crate) async fn compress(mut request: Request, next: Next) -> Response {
    let coding = Coding::accepted_by(request.headers());
    let known = coding.filter(|coding| coding.is_among_tags(request.headers()));
    Coding::strip_tags(request.headers_mut(), coding);
    choose(request.headers_mut(), coding);
    let layer = CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(WORTH_IT_BYTES).and(is_worth_it));
    let mut response = match layer.layer(next).oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    };
    let used = coding.filter(|coding| coding.was_used(response.headers()));
    match (response.status(), used, known) {
        // Nothing is sent: the client has it in the coding whose tag it named.
        (StatusCode::NOT_MODIFIED, _, known) => {
            vary_by_coding(response.headers_mut());
            if let Some(coding) = known {
                coding.mark_tag(response.headers_mut());
            }
        }
        (_, Some(coding), _) => coding.mark_tag(response.headers_mut()),
        _ => {}
    }
    response
}

/// Leaves the choice that was made as the only one.
fn choose(headers: &mut HeaderMap, coding: Option<Coding>) {
    headers.remove(header::ACCEPT_ENCODING);
    if let Some(coding) = coding {
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static(coding.word()),
        );
    }
}

fn vary_by_coding(headers: &mut HeaderMap) {
    let name = HeaderValue::from_static("accept-encoding");
    if !headers
        .get_all(header::VARY)
        .iter()
        .any(|value| *value == name)
    {
        headers.append(header::VARY, name);
    }
}

/// Text that gives no secret away: who can mix words of their own into an answer learns from its
/// compressed length what else is in it (BREACH), and what sets a cookie holds tokens.
fn is_worth_it(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_text = kind.starts_with("text/")
        || ["json", "javascript", "xml"]
            .iter()
            .any(|word| kind.contains(word));
    is_text && !headers.contains_key(header::SET_COOKIE)
}

#[cfg(test)]
mod tests {
    use axum::http::{Extensions, HeaderMap, HeaderName, StatusCode, Version};

    use super::is_worth_it;

    #[test]
    fn text_without_secrets_is_compressed() {
        for (headers, expected) in [
            (&[("content-type", "application/json")][..], true),
            (&[("content-type", "application/problem+json")], true),
            (&[("content-type", "text/html; charset=utf-8")], true),
            (&[("content-type", "image/png")], false),
            (&[], false),
            (
                &[("content-type", "application/json"), ("set-cookie", "a=b")],
                false,
            ),
        ] {
            let parse = |(name, value): &(&'static str, &str)| {
                (HeaderName::from_static(name), value.parse().unwrap())
            };
            let map: HeaderMap = headers.iter().map(parse).collect();
            let status = StatusCode::OK;
            let outcome = is_worth_it(status, Version::HTTP_11, &map, &Extensions::new());
            assert_eq!(outcome, expected, "{headers:?}");
        }
    }
}
