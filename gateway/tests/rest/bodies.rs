//! Bodies where none is asked for, that are too long, or that never come.

use reqwest::Method;
use serde_json::json;

use crate::support::{BUYER, Gateway, ITEM, ORDER, PRODUCT, send, talk};

#[tokio::test]
async fn where_no_body_is_asked_for_only_an_empty_one_passes() {
    let gateway = Gateway::start_with(&[("BODY_LIMIT_BYTES", "100")]).await;
    let long = " ".repeat(101);
    for (method, path) in [
        (Method::POST, "/checkout".to_owned()),
        (Method::POST, format!("/checkout/{ORDER}/cancel")),
        (Method::POST, "/auth/sign-out".to_owned()),
        (Method::POST, "/auth/sign-out-all".to_owned()),
        (Method::POST, "/auth/refresh-token".to_owned()),
        (Method::DELETE, format!("/products/{PRODUCT}")),
        (Method::DELETE, format!("/cart-items/{ITEM}")),
        (Method::DELETE, "/cart-items".to_owned()),
        (Method::DELETE, "/auth/users/me".to_owned()),
    ] {
        let request = || gateway.signed_in(BUYER, method.clone(), &path);
        let typed = |text: &str, kind: &str| {
            let request = request().header("content-type", kind);
            send(request.body(text.to_owned()))
        };
        for (text, kind, expected) in [
            ("{", "application/json", (400, "malformed_body")),
            ("{}", "text/plain", (415, "unsupported_media_type")),
            ("{\"a\":1}", "application/json", (422, "validation_failed")),
            ("[]", "application/json", (422, "validation_failed")),
            (&long, "application/json", (413, "body_too_large")),
        ] {
            let answer = typed(text, kind).await;
            let expected = (expected.0, expected.1.to_owned());
            assert_eq!(answer.problem(), expected, "{path} {text}");
        }
        let unknown = typed("{\"a\":1}", "application/json").await;
        let expected = ("a".to_owned(), "unknown_field".to_owned());
        assert_eq!(unknown.failing(), [expected], "{path}");
        assert!(gateway.mesh.take_calls().is_empty(), "{path}");
        let bare = send(request()).await;
        assert_eq!(typed("{}", "application/json").await.status, bare.status);
        assert_eq!(typed("", "text/plain").await.status, bare.status);
        gateway.mesh.take_calls();
    }
}

#[tokio::test]
async fn a_body_that_is_announced_too_long_is_not_waited_for() {
    let gateway = Gateway::start_with(&[("BODY_LIMIT_BYTES", "100")]).await;
    let head = "POST /api/v1/auth/sign-in HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: 101\r\n\r\n";
    let answer = talk(&gateway, head).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_user_who_is_gone_has_to_sign_in_again() {
    let gateway = Gateway::start().await;
    gateway
        .mesh
        .fail("GetUser", reen_error::Code::Unauthenticated);
    let answer = send(gateway.signed_in(BUYER, Method::GET, "/auth/users/me")).await;
    assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn a_change_changes_something_and_each_product_once() {
    let gateway = Gateway::start().await;
    let path = format!("/products/{PRODUCT}");
    let nothing = gateway.signed_in(BUYER, Method::PATCH, &path);
    let answer = send(nothing.json(&json!({}))).await;
    let expected = ("body".to_owned(), "too_few".to_owned());
    assert_eq!(answer.failing(), [expected], "{answer:?}");
    let change = |id: &str| json!({"id": id, "price": 1});
    let twice = json!([
        change(PRODUCT),
        change(&PRODUCT.to_uppercase()),
        change(ITEM)
    ]);
    let request = gateway.signed_in(BUYER, Method::PATCH, "/products");
    let answer = send(request.json(&twice)).await;
    let expected = ("[1].id".to_owned(), "duplicate".to_owned());
    assert_eq!(answer.failing(), [expected], "{answer:?}");
    assert!(gateway.mesh.take_calls().is_empty());
}
