//! What every address does alike: HEAD, OPTIONS, methods it does not take, slashes.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Gateway, OPERATOR, ORDER, ORIGIN, PRODUCT, product, send, talk};

/// Each address of the documentation with the methods that it takes.
async fn addresses(gateway: &Gateway) -> Vec<(String, BTreeSet<String>)> {
    let url = format!("{}/api-gateway/documentation-json", gateway.base);
    let document: Value = send(gateway.client.get(url)).await.json();
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        let methods = methods.map(|method| method.to_uppercase()).collect();
        (path.replace("{id}", ORDER), methods)
    });
    each.collect()
}

async fn ask(gateway: &Gateway, method: Method, path: &str) -> Answer {
    let request = gateway
        .client
        .request(method, format!("{}{path}", gateway.base));
    send(request.bearer_auth(gateway.keys.token(OPERATOR))).await
}

fn allowed(answer: &Answer) -> BTreeSet<String> {
    let methods = answer.header("allow").split(',');
    methods.map(|method| method.trim().to_owned()).collect()
}

#[tokio::test]
async fn whatever_can_be_got_can_be_asked_for_its_head() {
    let gateway = Gateway::start().await;
    gateway.mesh.with(|state| state.products = vec![product(1)]);
    let mut asked = 0;
    for (path, methods) in addresses(&gateway).await {
        if !methods.contains("GET") {
            continue;
        }
        let get = ask(&gateway, Method::GET, &path).await;
        let head = ask(&gateway, Method::HEAD, &path).await;
        assert_eq!((head.status, &*head.text), (get.status, ""), "{path}");
        for header in ["content-type", "etag", "cache-control"] {
            let of = |answer: &Answer| answer.headers.get(header).cloned();
            assert_eq!(of(&head), of(&get), "{header} of {path}");
        }
        asked += 1;
    }
    assert!(asked > 10, "{asked}");
}

#[tokio::test]
async fn an_address_tells_which_methods_it_takes() {
    let gateway = Gateway::start().await;
    for (path, mut methods) in addresses(&gateway).await {
        methods.insert("OPTIONS".to_owned());
        if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        let answer = ask(&gateway, Method::OPTIONS, &path).await;
        assert_eq!((answer.status.as_u16(), &*answer.text), (204, ""), "{path}");
        assert_eq!(allowed(&answer), methods, "{path}");
        assert!(answer.headers.contains_key("x-request-id"));
        for method in [Method::PUT, Method::TRACE] {
            let refused = ask(&gateway, method, &path).await;
            assert_eq!(refused.problem(), (405, "method_not_allowed".to_owned()));
            assert_eq!(allowed(&refused), methods, "{path}");
        }
    }
    let nothing = ask(&gateway, Method::OPTIONS, "/api/v1/nothing").await;
    assert_eq!(nothing.problem(), (404, "route_not_found".to_owned()));
    let tunnel = "CONNECT api.example:443 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let refused = talk(&gateway, tunnel).await;
    assert!(refused.starts_with("HTTP/1.1 4"), "{refused}");
}

#[tokio::test]
async fn a_preflight_is_no_question_about_methods() {
    let gateway = Gateway::start().await;
    let request = gateway
        .request(Method::OPTIONS, "/products")
        .header("origin", ORIGIN);
    let preflight = request.header("access-control-request-method", "POST");
    let answer = send(preflight).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
}

#[tokio::test]
async fn a_slash_at_the_end_means_nothing() {
    let gateway = Gateway::start().await;
    gateway.mesh.with(|state| state.products = vec![product(1)]);
    for path in [
        "/api/v1/products",
        &format!("/api/v1/products/{PRODUCT}"),
        "/api/v1/orders",
        "/health/live",
    ] {
        let bare = ask(&gateway, Method::GET, path).await;
        let slashed = ask(&gateway, Method::GET, &format!("{path}/")).await;
        assert_eq!(bare.status, 200, "{path}");
        assert_eq!((slashed.status, slashed.text), (bare.status, bare.text));
    }
    let page = ask(&gateway, Method::GET, "/api/v1/products/?limit=1").await;
    assert_eq!(page.json()["meta"]["total"], 1, "the query stays");
    let refused = send(gateway.post("/auth/sign-in/")).await;
    assert_ne!(refused.status, 404, "other methods as well");
}

#[tokio::test]
async fn other_slashes_lead_nowhere() {
    let gateway = Gateway::start().await;
    gateway.mesh.with(|state| state.products = vec![product(1)]);
    for path in [
        "//",
        "//api/v1/products",
        "/api//v1/products",
        "/api/v1/products//",
        "/api/v1%2Fproducts",
        "/api/v1/products%2F",
        "/api/v1/products/%2F",
        &format!("/api/v1/products/%2F{PRODUCT}"),
        &format!("/api/v1/products/{PRODUCT}%2F"),
    ] {
        let answer = ask(&gateway, Method::GET, path).await;
        assert_eq!(answer.problem().0, 404, "{path}");
    }
}

#[tokio::test]
async fn browsers_come_over_tls_where_cookies_do() {
    let gateway = Gateway::start().await;
    let answer = send(gateway.get("/products")).await;
    assert_eq!(
        answer.header("strict-transport-security"),
        "max-age=31536000"
    );
    let gateway = Gateway::start_with(&[("COOKIE_SECURE", "false")]).await;
    let answer = send(gateway.get("/products")).await;
    assert!(!answer.headers.contains_key("strict-transport-security"));
}
