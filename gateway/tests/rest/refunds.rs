//! Money that goes back to the buyer of an order.

use reen_error::Code;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, BUYER, Gateway, OPERATOR, ORDER, SELLER, send};

async fn ask(gateway: &Gateway, user: &str, key: Option<&str>, body: &Value) -> Answer {
    let path = format!("/orders/{ORDER}/refunds");
    let mut request = gateway.signed_in(user, Method::POST, &path).json(body);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    send(request).await
}

#[tokio::test]
async fn a_refund_is_asked_for_with_the_callers_rights() {
    let gateway = Gateway::start().await;
    let body = json!({"amount": 12.5, "reason": "scratched"});
    let answer = ask(&gateway, SELLER, Some("k-1"), &body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let refund = answer.json();
    let id = refund["id"].as_str().unwrap();
    assert_eq!(id.len(), 24);
    let expected = json!({
        "id": id, "amount": 12.5, "status": "pending", "restock": false, "reason": "scratched",
        "createdAt": "2025-06-15T15:06:40.123Z",
    });
    assert_eq!(refund, expected);
    let asked = gateway.mesh.with(|state| state.last_change.clone());
    assert!(asked.contains("as_operator: false"), "{asked}");
    assert_eq!(gateway.mesh.last_user().as_deref(), Some(SELLER));

    let everything = ask(&gateway, OPERATOR, None, &json!({"restock": true})).await;
    assert_eq!(everything.json()["amount"], json!(399.96));
    let asked = gateway.mesh.with(|state| state.last_change.clone());
    assert!(asked.contains("as_operator: true"), "{asked}");
}

#[tokio::test]
async fn a_key_is_one_refund() {
    let gateway = Gateway::start().await;
    let id = async |user: &str, key: Option<&str>| {
        let answer = ask(&gateway, user, key, &json!({})).await;
        answer.json()["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(id(SELLER, Some("k")).await, id(SELLER, Some("k")).await);
    assert_ne!(id(SELLER, Some("k")).await, id(SELLER, Some("l")).await);
    assert_ne!(id(SELLER, Some("k")).await, id(OPERATOR, Some("k")).await);
    assert_ne!(id(SELLER, None).await, id(SELLER, None).await);
}

#[tokio::test]
async fn what_the_orders_service_refuses_is_told() {
    let gateway = Gateway::start().await;
    for (code, status) in [(Code::NotFound, 404), (Code::RefundExceedsPayment, 409)] {
        gateway.mesh.fail("RequestRefund", code);
        let answer = ask(&gateway, BUYER, None, &json!({})).await;
        assert_eq!(answer.problem(), (status, code.word().to_owned()));
    }
    gateway.mesh.fail("GetUser", Code::Unavailable);
    let answer = ask(&gateway, BUYER, None, &json!({})).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
}

#[tokio::test]
async fn what_is_not_valid_goes_no_further() {
    let gateway = Gateway::start().await;
    for (field, value, code) in [
        ("amount", json!(0), "too_small"),
        ("amount", json!(-1), "too_small"),
        ("amount", json!(0.001), "too_small"),
        ("amount", json!(1.005), "too_many_decimals"),
        ("amount", json!(1e300), "too_large"),
        ("amount", json!("1"), "invalid_type"),
        ("restock", json!("yes"), "invalid_type"),
        ("reason", json!(""), "too_short"),
        ("reason", json!("a".repeat(501)), "too_long"),
        ("id", json!("re_1"), "unknown_field"),
    ] {
        let answer = ask(&gateway, SELLER, None, &json!({ field: value })).await;
        assert_eq!(
            answer.problem(),
            (422, "validation_failed".to_owned()),
            "{field}"
        );
        assert_eq!(answer.failing(), [(field.to_owned(), code.to_owned())]);
    }
    let bad_key = ask(&gateway, SELLER, Some("a b"), &json!({})).await;
    assert_eq!(bad_key.problem(), (400, "bad_idempotency_key".to_owned()));
    assert!(gateway.mesh.take_calls().is_empty());
}
