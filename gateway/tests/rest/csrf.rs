//! Pages of other sites cannot use a cookie that the browser adds by itself.

use reqwest::RequestBuilder;

use crate::support::{Gateway, ORIGIN, send};

/// The routes that a cookie is enough for, and the call that each makes.
const COOKIE_ROUTES: [(&str, &str); 2] = [
    ("/auth/refresh-token", "RefreshSession"),
    ("/auth/sign-out", "SignOut"),
];

/// With the cookie, as a browser that says where the request comes from in these headers.
fn from_browser(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> RequestBuilder {
    let request = gateway.post(path).header("cookie", "refreshToken=first");
    headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    })
}

#[tokio::test]
async fn another_site_cannot_use_the_cookie() {
    let gateway = Gateway::start().await;
    for (path, call) in COOKIE_ROUTES {
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "https://shop.example.evil.example")],
            &[("origin", "http://shop.example")],
            &[("origin", "https://shop.example:444")],
            &[("origin", "null")],
            &[("origin", "null"), ("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "something new")],
        ] {
            let answer = send(from_browser(&gateway, path, headers)).await;
            assert_eq!(
                answer.problem(),
                (403, "forbidden".to_owned()),
                "{path} {headers:?}"
            );
            assert!(answer.headers.get("set-cookie").is_none());
            assert_eq!(gateway.mesh.count(call), 0, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_form_of_another_site_gets_nowhere() {
    let gateway = Gateway::start().await;
    for (path, call) in COOKIE_ROUTES {
        for kind in ["text/plain", "application/x-www-form-urlencoded"] {
            let headers = [("content-type", kind), ("sec-fetch-mode", "navigate")];
            let form = from_browser(&gateway, path, &headers).body("a=b");
            let answer = send(form).await;
            assert_eq!(answer.problem(), (415, "unsupported_media_type".to_owned()));
            assert_eq!(gateway.mesh.count(call), 0, "{path}");
        }
    }
}

#[tokio::test]
async fn our_own_pages_and_programs_can() {
    let gateway = Gateway::start().await;
    let own = gateway.base.clone();
    for headers in [
        &[][..],
        &[("origin", ORIGIN), ("sec-fetch-site", "cross-site")],
        &[("origin", ORIGIN)],
        &[("origin", &own), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
    ] {
        let answer = send(from_browser(&gateway, "/auth/refresh-token", headers)).await;
        assert_eq!(answer.status, 200, "{headers:?}: {answer:?}");
        let answer = send(from_browser(&gateway, "/auth/sign-out", headers)).await;
        assert_eq!(answer.status, 200, "{headers:?}: {answer:?}");
    }
}
