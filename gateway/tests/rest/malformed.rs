//! What is no JSON, no query, no id or no header as it should be: 4xx with a stable code, never a 5xx.

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, BUYER, Gateway, ORDER, PRODUCT, send};

async fn send_text(gateway: &Gateway, text: impl Into<String>) -> Answer {
    let request = gateway.signed_in(BUYER, Method::POST, "/products");
    let request = request.header("content-type", "application/json");
    send(request.body(text.into())).await
}

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    let gateway = Gateway::start().await;
    let nested = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let crowd = format!("[{}0]", "0,".repeat(400_000));
    for text in [
        "",
        " ",
        "{",
        "{\"name\":",
        "nul",
        "NaN",
        "{\"price\":NaN}",
        "{\"price\":1e999}",
        "{'name':1}",
        "{\"name\":\"a\",\"name\":\"b\"}",
        "{\"name\":\"\\ud800\"}",
        "{} {}",
        "[1,]",
        "\u{feff}{}",
        &nested,
        &crowd,
    ] {
        let shown: String = text.chars().take(40).collect();
        let answer = send_text(&gateway, text).await;
        assert_eq!(
            answer.problem(),
            (400, "malformed_body".to_owned()),
            "{shown}"
        );
        assert!(answer.text.len() < 2_000);
    }
    let request = gateway.signed_in(BUYER, Method::POST, "/products");
    let request = request.header("content-type", "application/json");
    let answer = send(request.body(b"{\"name\":\"\xff\"}".to_vec())).await;
    assert_eq!(answer.problem().0, 400);
    for text in ["1", "\"a\"", "null", "[]", "true"] {
        let answer = send_text(&gateway, text).await;
        assert_eq!(answer.problem().0, 422, "{text}");
    }
    let answer = send_text(&gateway, format!("{{\"{}\":1}}", "k".repeat(900_000))).await;
    assert_eq!(answer.problem().0, 422);
    assert!(answer.text.len() < 3_000, "long names are cut");
}

#[tokio::test]
async fn content_types_and_sizes_are_bounded() {
    let gateway = Gateway::start_with(&[("BODY_LIMIT_BYTES", "2000")]).await;
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "",
    ] {
        let request = gateway
            .post("/auth/sign-in")
            .header("content-type", content_type);
        let answer = send(request.body("{}")).await;
        assert_eq!(
            answer.problem(),
            (415, "unsupported_media_type".to_owned()),
            "{content_type}"
        );
    }
    let bare = send(gateway.post("/auth/sign-in").body("{}")).await;
    assert_eq!(bare.problem().0, 415);
    for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
        let request = gateway
            .post("/auth/sign-in")
            .header("content-type", content_type);
        assert_eq!(
            send(request.body("{}")).await.problem().0,
            422,
            "{content_type}"
        );
    }
    let request = gateway
        .post("/auth/sign-in")
        .header("content-type", "application/json");
    let answer = send(request.body(" ".repeat(2_001))).await;
    assert_eq!(answer.problem(), (413, "body_too_large".to_owned()));
}

#[tokio::test]
async fn query_strings_are_read_strictly() {
    let gateway = Gateway::start().await;
    for query in [
        "limit=x",
        "limit=",
        "page=1.x",
        "minPrice=1,5",
        "limit=1&limit=2",
        "name=%zz",
        "name=%ff",
        "name=%",
    ] {
        let answer = send(gateway.get(&format!("/products?{query}"))).await;
        assert_eq!(answer.problem(), (400, "bad_query".to_owned()), "{query}");
    }
    for (query, expected) in [
        ("limit=0", ("limit", "too_small")),
        ("limit=101", ("limit", "too_large")),
        ("limit=1.5", ("limit", "invalid_type")),
        ("page=0", ("page", "too_small")),
        ("page=-1", ("page", "too_small")),
        ("page=99999999999999999999999", ("page", "too_large")),
        ("page=100002&limit=100", ("page", "too_large")),
        ("minPrice=0.001", ("minPrice", "too_many_decimals")),
        ("sortBy=password", ("sortBy", "not_in_list")),
        ("order=up", ("order", "not_in_list")),
        ("name=%00", ("name", "forbidden_character")),
    ] {
        let answer = send(gateway.get(&format!("/products?{query}"))).await;
        assert_eq!(answer.problem().0, 422, "{query}");
        let expected = (expected.0.to_owned(), expected.1.to_owned());
        assert_eq!(answer.failing(), [expected], "{query}");
    }
    let answer = send(gateway.get("/products?limit=0&page=0&order=up&sortBy=x")).await;
    assert_eq!(answer.failing().len(), 4, "every failing parameter");
    let orders = gateway.signed_in(BUYER, Method::GET, "/orders?page=0");
    assert_eq!(send(orders).await.problem().0, 422);
    assert!(gateway.mesh.take_calls().is_empty());
    let answer = send(gateway.get("/products?name=&utm_source=x&limit=5&page=2")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn what_is_no_id_is_not_found_without_asking() {
    let gateway = Gateway::start().await;
    let long = "a".repeat(5_000);
    for id in [
        "1",
        "zzzzzzzzzzzzzzzzzzzzzzzz",
        "66f0c0ffee66f0c0ffee0a0",
        "%00",
        "%ff",
        "..%2f",
        "' or 1=1",
        &long,
    ] {
        for (method, path) in [
            (Method::GET, format!("/products/{id}")),
            (Method::DELETE, format!("/products/{id}")),
            (Method::GET, format!("/cart-items/{id}")),
            (Method::GET, format!("/checkout/{id}")),
            (Method::POST, format!("/checkout/{id}/cancel")),
            (Method::GET, format!("/orders/{id}")),
            (Method::GET, format!("/auth/users/{id}")),
        ] {
            let answer = send(gateway.signed_in(BUYER, method, &path)).await;
            assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{path}");
        }
    }
    assert!(gateway.mesh.take_calls().is_empty());
    let upper = format!("/orders/{}", ORDER.to_uppercase());
    let answer = send(gateway.signed_in(BUYER, Method::GET, &upper)).await;
    assert_eq!(answer.status, 200, "ids have no case");
}

#[tokio::test]
async fn headers_are_checked() {
    let gateway = Gateway::start().await;
    let request = gateway.signed_in(BUYER, Method::PATCH, &format!("/products/{PRODUCT}"));
    let request = request.header("if-match", "3").json(&json!({"price": 1}));
    assert_eq!(
        send(request).await.problem(),
        (400, "bad_header".to_owned())
    );
}
