//! Fields that are not valid, across the routes: 422 with every failing field, and nothing goes further.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, BUYER, Gateway, ITEM, ORDER, PRODUCT, send};

const URL: &str = "https://images.example/lamp.jpg";

async fn send_json(gateway: &Gateway, route: (Method, &str), body: &Value) -> Answer {
    let request = gateway.signed_in(BUYER, route.0, route.1);
    send(request.json(body)).await
}

/// Refused with 422 and exactly these fields.
async fn assert_invalid(
    gateway: &Gateway,
    route: (Method, &str),
    body: &Value,
    expected: &[(&str, &str)],
) {
    let context = format!(
        "{route:?} {}",
        &body.to_string().chars().take(200).collect::<String>()
    );
    let answer = send_json(gateway, route, body).await;
    let problem = (422, "validation_failed".to_owned());
    assert_eq!(answer.problem(), problem, "{context}: {answer:?}");
    let mut expected: Vec<_> = expected
        .iter()
        .map(|(field, code)| ((*field).to_owned(), (*code).to_owned()))
        .collect();
    expected.sort();
    assert_eq!(answer.failing(), expected, "{context}");
    assert!(
        answer.text.len() < 20_000,
        "{context}: sends back what was sent"
    );
}

fn lamp() -> Value {
    json!({"name": "Lamp", "description": "Warm", "price": 9.99, "quantity": 3, "imageUrls": [URL]})
}

/// The lamp with one field changed.
fn lamp_with(field: &str, value: &Value) -> Value {
    let mut lamp = lamp();
    lamp[field] = value.clone();
    lamp
}

#[tokio::test]
async fn every_field_of_a_product_has_its_limits() {
    let gateway = Gateway::start().await;
    let long = "a".repeat(1_000_000);
    let url = |length: usize| format!("https://a.example/{}", "a".repeat(length - 18));
    for (field, value, code) in [
        ("name", json!(""), "too_short"),
        ("name", json!("   \t"), "blank"),
        ("name", json!("a\u{0}b"), "forbidden_character"),
        ("name", json!("a".repeat(101)), "too_long"),
        ("name", json!(long), "too_long"),
        ("name", json!(null), "invalid_type"),
        ("name", json!(7), "invalid_type"),
        ("name", json!(["a"]), "invalid_type"),
        ("description", json!(""), "too_short"),
        ("description", json!("a".repeat(5_001)), "too_long"),
        ("price", json!(0), "too_small"),
        ("price", json!(-1), "too_small"),
        ("price", json!(0.001), "too_small"),
        ("price", json!(99.999), "too_many_decimals"),
        ("price", json!(1_000_000.01), "too_large"),
        ("price", json!(1e300), "too_large"),
        ("price", json!("9.99"), "invalid_type"),
        ("quantity", json!(-1), "too_small"),
        ("quantity", json!(1_000_001), "too_large"),
        ("quantity", json!(1.5), "invalid_type"),
        ("quantity", json!(true), "invalid_type"),
        ("imageUrls", json!([]), "too_few"),
        (
            "imageUrls",
            json!([URL, URL, URL, URL, URL, URL, URL]),
            "too_many",
        ),
        ("imageUrls", json!(URL), "invalid_type"),
        ("imageUrls[0]", json!(["/lamp.jpg"]), "not_a_url"),
        (
            "imageUrls[0]",
            json!(["ftp://a.example/lamp.jpg"]),
            "not_a_url",
        ),
        ("imageUrls[0]", json!(["javascript:alert(1)"]), "not_a_url"),
        ("imageUrls[0]", json!(["https://"]), "not_a_url"),
        ("imageUrls[0]", json!(["https://a b"]), "not_a_url"),
        ("imageUrls[0]", json!(["https://a.b:99999/"]), "not_a_url"),
        ("imageUrls[0]", json!(["https://a.b/%zz"]), "not_a_url"),
        ("imageUrls[1]", json!([URL, url(2_049)]), "too_long"),
        ("imageUrls[1]", json!([URL, 1]), "invalid_type"),
    ] {
        let name = field.split('[').next().unwrap();
        let body = lamp_with(name, &value);
        assert_invalid(
            &gateway,
            (Method::POST, "/products"),
            &body,
            &[(field, code)],
        )
        .await;
        let route = format!("/products/{PRODUCT}");
        let patch = json!({ name: value });
        assert_invalid(&gateway, (Method::PATCH, &route), &patch, &[(field, code)]).await;
    }
    assert!(
        gateway.mesh.take_calls().is_empty(),
        "nothing invalid goes further"
    );
}

#[tokio::test]
async fn what_is_just_within_the_limits_passes() {
    let gateway = Gateway::start().await;
    for (field, value) in [
        ("name", json!("ä".repeat(100))),
        ("name", json!(" x ")),
        ("description", json!("\u{1f4a1}".repeat(5_000))),
        ("price", json!(0.01)),
        ("price", json!(1_000_000)),
        ("price", json!(999_999.99)),
        ("quantity", json!(0)),
        ("quantity", json!(1_000_000)),
        ("imageUrls", json!([URL, URL, URL, URL, URL, URL])),
        ("imageUrls", json!(["http://a.example:8080/x?y=1#z"])),
    ] {
        let answer = send_json(
            &gateway,
            (Method::POST, "/products"),
            &lamp_with(field, &value),
        )
        .await;
        assert_eq!(answer.status, 201, "{field}: {answer:?}");
    }
    let text = lamp()
        .to_string()
        .replace("9.99", "1e2")
        .replace(":3", ":3.0");
    let request = gateway.signed_in(BUYER, Method::POST, "/products");
    let request = request.header("content-type", "application/json");
    let answer = send(request.body(text)).await;
    assert_eq!(answer.json()["price"], json!(100), "{answer:?}");
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let gateway = Gateway::start().await;
    let body = json!({
        "name": "", "price": "x", "quantity": 1.5, "imageUrls": [URL, 1, "x"], "__proto__": 1, "Name": "a"
    });
    let expected = [
        ("name", "too_short"),
        ("description", "required"),
        ("price", "invalid_type"),
        ("quantity", "invalid_type"),
        ("imageUrls[1]", "invalid_type"),
        ("imageUrls[2]", "not_a_url"),
        ("__proto__", "unknown_field"),
        ("Name", "unknown_field"),
    ];
    assert_invalid(&gateway, (Method::POST, "/products"), &body, &expected).await;
}

#[tokio::test]
async fn accounts_have_their_limits() {
    let gateway = Gateway::start().await;
    let sign_up = |name: &str, email: &str, password: &str| json!({"name": name, "email": email, "password": password});
    let route = || (Method::POST, "/auth/sign-up");
    let far = format!("{}@example.com", "a".repeat(250));
    for email in [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "a b@example.com",
        "Ada <ada@example.com>",
    ] {
        let answer = send_json(&gateway, route(), &sign_up("Ada", email, "long enough")).await;
        let failing = answer.failing();
        assert_eq!(
            (answer.status.as_u16(), failing[0].0.as_str()),
            (422, "email"),
            "{email}"
        );
    }
    assert_invalid(
        &gateway,
        route(),
        &sign_up("Ada", &far, "long enough"),
        &[("email", "too_long")],
    )
    .await;
    assert_invalid(
        &gateway,
        route(),
        &sign_up("Ada", "a@b.example", "short"),
        &[("password", "too_short")],
    )
    .await;
    assert_invalid(
        &gateway,
        route(),
        &sign_up("Ada", "a@b.example", &"a".repeat(129)),
        &[("password", "too_long")],
    )
    .await;
    let all = [
        ("name", "required"),
        ("email", "required"),
        ("password", "required"),
    ];
    assert_invalid(&gateway, route(), &json!({}), &all).await;
    let body = sign_up("Ada\r\nBcc: x", "ada", "short");
    let all = [
        ("name", "forbidden_character"),
        ("email", "not_an_email"),
        ("password", "too_short"),
    ];
    assert_invalid(&gateway, route(), &body, &all).await;
    let sign_in = (Method::POST, "/auth/sign-in");
    assert_invalid(
        &gateway,
        sign_in,
        &json!({"email": "a@b.example"}),
        &[("password", "required")],
    )
    .await;
    let role = (Method::POST, "/auth/update-user-role");
    assert_invalid(
        &gateway,
        role,
        &json!({"role": "ANONYMOUS"}),
        &[("role", "not_in_list")],
    )
    .await;
    let profile = (Method::PATCH, "/auth/users/me");
    let body = json!({"balance": 1, "name": " "});
    assert_invalid(
        &gateway,
        profile,
        &body,
        &[("balance", "unknown_field"), ("name", "blank")],
    )
    .await;
    let body = json!({"name": "a\u{85}b", "email": "ada"});
    let both = [("name", "forbidden_character"), ("email", "not_an_email")];
    assert_invalid(&gateway, (Method::PATCH, "/auth/users/me"), &body, &both).await;
}

#[tokio::test]
async fn carts_orders_and_lists_have_their_limits() {
    let gateway = Gateway::start().await;
    let cart = || (Method::POST, "/cart-items");
    for (quantity, code) in [
        (0, "too_small"),
        (2_001, "too_large"),
        (i64::MAX, "too_large"),
    ] {
        let body = json!({"productId": PRODUCT, "quantity": quantity});
        assert_invalid(&gateway, cart(), &body, &[("quantity", code)]).await;
    }
    let body = json!({"productId": "12", "quantity": 1});
    assert_invalid(&gateway, cart(), &body, &[("productId", "not_an_id")]).await;
    let item = format!("/cart-items/{ITEM}");
    assert_invalid(
        &gateway,
        (Method::PATCH, &item),
        &json!({}),
        &[("quantity", "required")],
    )
    .await;
    let status = format!("/orders/{ORDER}/status");
    let body = json!({"status": "lost"});
    assert_invalid(
        &gateway,
        (Method::PATCH, &status),
        &body,
        &[("status", "not_in_list")],
    )
    .await;
    assert_invalid(
        &gateway,
        (Method::PATCH, "/products"),
        &json!({}),
        &[("body", "invalid_type")],
    )
    .await;
    assert_invalid(
        &gateway,
        (Method::PATCH, "/products"),
        &json!([]),
        &[("body", "too_few")],
    )
    .await;
    let many = json!(vec![json!({"id": PRODUCT}); 101]);
    assert_invalid(
        &gateway,
        (Method::PATCH, "/products"),
        &many,
        &[("body", "too_many")],
    )
    .await;
    let port = json!([{"id": PRODUCT, "imageUrls": [URL, "https://a.b:99999/"]}]);
    let expected = [("[0].imageUrls[1]", "not_a_url")];
    assert_invalid(&gateway, (Method::PATCH, "/products"), &port, &expected).await;
    let mixed = json!([{"id": PRODUCT, "price": 1}, {"price": -1, "x": 1}]);
    let expected = [
        ("[1].id", "required"),
        ("[1].price", "too_small"),
        ("[1].x", "unknown_field"),
    ];
    assert_invalid(&gateway, (Method::PATCH, "/products"), &mixed, &expected).await;
    let twice = json!({"ids": [PRODUCT, PRODUCT]});
    assert_invalid(
        &gateway,
        (Method::DELETE, "/products"),
        &twice,
        &[("ids", "duplicate")],
    )
    .await;
    assert!(gateway.mesh.take_calls().is_empty());
}
