use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

/// Where a slash at the end means nothing; the documentation page has its own ideas.
const ROOTS: [&str; 2] = ["/api/", "/health/"];

/// Around the router: an address means the same with a slash at its end, and whoever asks with OPTIONS is
/// told which methods it takes. A method that it does not take is refused with the same list.
pub(crate) async fn keep_manners(mut request: Request, next: Next) -> Response {
    drop_trailing_slash(request.uri_mut());
    let asks = asks_for_methods(&request);
    let mut response = next.run(request).await;
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        add_options(&mut response);
        if asks {
            make_empty(&mut response);
        }
    }
    response
}

/// Whether a request only asks what it may do; a browser that asks for a page of another origin asks
/// something else.
pub(super) fn asks_for_methods(request: &Request) -> bool {
    let headers = request.headers();
    let is_preflight = headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    *request.method() == Method::OPTIONS && !is_preflight
}

fn drop_trailing_slash(uri: &mut Uri) {
    let Some(path) = uri.path().strip_suffix('/') else {
        return;
    };
    // Two slashes are no address, so that each thing has one address.
    if path.ends_with('/') || !ROOTS.iter().any(|root| path.starts_with(root)) {
        return;
    }
    let bare = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    if let Ok(bare) = bare {
        parts.path_and_query = Some(bare);
    }
    if let Ok(bare) = Uri::from_parts(parts) {
        *uri = bare;
    }
}

fn add_options(response: &mut Response) {
    let allowed = response.headers().get(header::ALLOW);
    let allowed = allowed.and_then(|allowed| allowed.to_str().ok());
    let allowed = match allowed {
        Some(methods) if !methods.is_empty() => format!("{methods},OPTIONS"),
        _ => "OPTIONS".to_owned(),
    };
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
}

fn make_empty(response: &mut Response) {
    *response.status_mut() = StatusCode::NO_CONTENT;
    *response.body_mut() = Body::empty();
    response.headers_mut().remove(header::CONTENT_TYPE);
    response.headers_mut().remove(header::CONTENT_LENGTH);
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;

    use super::drop_trailing_slash;

    #[test]
    fn one_slash_at_the_end_means_nothing() {
        for (address, expected) in [
            ("/api/v1/products/", "/api/v1/products"),
            (
                "/api/v1/products/?limit=1&q=a%2Fb/",
                "/api/v1/products?limit=1&q=a%2Fb/",
            ),
            ("/health/live/", "/health/live"),
            ("/api/v1/products", "/api/v1/products"),
            ("/api/v1/products//", "/api/v1/products//"),
            ("/api-gateway/documentation/", "/api-gateway/documentation/"),
            ("//", "//"),
            ("/", "/"),
        ] {
            let mut uri: Uri = address.parse().unwrap();
            drop_trailing_slash(&mut uri);
            assert_eq!(uri, expected);
        }
    }
}
