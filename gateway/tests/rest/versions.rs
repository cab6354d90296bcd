//! The second version: the same handlers, other amounts, lists and names; and what leads to it.

use std::collections::HashSet;

use jsonschema::Draft;
use reen_error::Code;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Answer, BUYER, CHECKOUT, Gateway, ITEM, OPERATOR, ORDER, PRODUCT, SAGA, SELLER, product, send,
};

async fn stocked(count: usize) -> Gateway {
    let gateway = Gateway::start().await;
    let products = (1..=count).map(product).collect();
    gateway.mesh.with(|state| state.products = products);
    gateway
}

async fn get(gateway: &Gateway, path: &str) -> Answer {
    send(gateway.anywhere(BUYER, Method::GET, path)).await
}

fn lamp(price: &Value) -> Value {
    json!({ "name": "Lamp", "description": "Warm", "price": price, "quantity": 1,
        "imageUrls": ["https://images.example/lamp.jpg"] })
}

#[tokio::test]
async fn a_version_is_named_by_the_path_or_by_a_header() {
    let gateway = stocked(1).await;
    let path = format!("products/{PRODUCT}");
    let first = get(&gateway, &format!("/api/v1/{path}")).await;
    let second = get(&gateway, &format!("/api/v2/{path}")).await;
    assert_eq!(first.header("reen-version"), "1");
    assert_eq!(second.header("reen-version"), "2");
    assert_ne!(first.header("etag"), second.header("etag"));
    for (header, expected) in [(None, &first), (Some("1"), &first), (Some("2"), &second)] {
        let mut request = gateway.anywhere(BUYER, Method::GET, &format!("/api/{path}"));
        if let Some(header) = header {
            request = request.header("Reen-Version", header);
        }
        let answer = send(request).await;
        assert_eq!(answer.text, expected.text, "{header:?}");
        assert_eq!(
            answer.header("reen-version"),
            expected.header("reen-version")
        );
        let mut varies = answer.headers.get_all("vary").iter();
        assert!(varies.any(|vary| vary == "reen-version"));
    }
    let request = gateway.anywhere(BUYER, Method::GET, &format!("/api/{path}"));
    let unknown = send(request.header("Reen-Version", "3")).await;
    assert_eq!(unknown.problem(), (400, "unknown_version".to_owned()));
    let unknown = get(&gateway, "/api/v3/products").await;
    assert_eq!(unknown.problem(), (404, "route_not_found".to_owned()));
}

#[tokio::test]
async fn what_a_client_is_told_of_paths_is_below_the_base_that_it_uses() {
    let gateway = Gateway::start().await;
    for (base, price) in [
        ("/api/v1", json!(99.99)),
        ("/api/v2", json!({ "amount": 9_999, "currency": "USD" })),
        ("/api", json!(99.99)),
    ] {
        let missing = get(&gateway, &format!("{base}/products/none")).await;
        assert_eq!(missing.json()["instance"], format!("{base}/products/none"));
        let request = gateway.anywhere(SELLER, Method::POST, &format!("{base}/products"));
        let created = send(request.json(&lamp(&price))).await;
        assert_eq!(created.status, 201, "{created:?}");
        assert!(
            created
                .header("location")
                .starts_with(&format!("{base}/products/"))
        );
        let credentials = json!({ "email": "ada@example.com", "password": "correct horse" });
        let request = gateway.anywhere(BUYER, Method::POST, &format!("{base}/auth/sign-in"));
        let signed_in = send(request.json(&credentials)).await;
        assert!(
            signed_in
                .header("set-cookie")
                .contains(&format!("Path={base}/auth;"))
        );
    }
}

#[tokio::test]
async fn amounts_are_objects_in_minor_units() {
    let gateway = stocked(1).await;
    let amount = json!({ "amount": 9_999, "currency": "USD" });
    let shown = get(&gateway, &format!("/api/v2/products/{PRODUCT}")).await;
    assert_eq!(shown.json()["price"], amount);
    let post = |price: Value| {
        let request = gateway.anywhere(SELLER, Method::POST, "/api/v2/products");
        send(request.json(&lamp(&price)))
    };
    let created = post(json!({ "amount": 12_345, "currency": "USD" })).await;
    assert_eq!(created.json()["price"]["amount"], 12_345);
    for (refused, field, code) in [
        (json!(99.99), "price", "invalid_type"),
        (
            json!({ "amount": 1.5, "currency": "USD" }),
            "price.amount",
            "invalid_type",
        ),
        (
            json!({ "amount": 0, "currency": "USD" }),
            "price.amount",
            "too_small",
        ),
        (
            json!({ "amount": 1, "currency": "EUR" }),
            "price.currency",
            "not_in_list",
        ),
        (json!({ "amount": 1 }), "price.currency", "required"),
    ] {
        let answer = post(refused).await;
        assert_eq!(answer.problem().0, 422);
        assert_eq!(answer.failing(), [(field.to_owned(), code.to_owned())]);
    }
    let order = get(&gateway, &format!("/api/v2/orders/{ORDER}"))
        .await
        .json();
    assert!(
        order["total"]["amount"].is_i64() && order["orderItems"][0]["price"]["amount"].is_i64()
    );
}

#[tokio::test]
async fn filters_count_minor_units() {
    let gateway = stocked(1).await;
    gateway.mesh.fail("ListProducts", Code::Internal);
    get(&gateway, "/api/v2/products?minPrice=10&maxPrice=9999900").await;
    let asked = gateway.mesh.with(|state| state.last_change.clone());
    for part in [
        "min_price_cents: Some(10)",
        "max_price_cents: Some(9999900)",
        "limit: 20",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    let refused = get(&gateway, "/api/v2/products?minPrice=0.5").await;
    assert_eq!(refused.problem().0, 422);
}

#[tokio::test]
async fn a_list_is_read_by_its_cursors() {
    let gateway = stocked(45).await;
    let mut cursor = None;
    let mut seen = HashSet::new();
    for length in [20, 20, 5] {
        let path = match &cursor {
            Some(cursor) => format!("/api/v2/products?name=lamp&cursor={cursor}"),
            None => "/api/v2/products?name=lamp".to_owned(),
        };
        let page = get(&gateway, &path).await;
        assert!(!page.headers.contains_key("x-total-count"));
        let page = page.json();
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), length);
        seen.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        cursor = page["nextCursor"].as_str().map(str::to_owned);
    }
    assert_eq!((seen.len(), cursor), (45, None));
}

#[tokio::test]
async fn a_cursor_leads_nowhere_but_where_it_was_made_for() {
    let gateway = stocked(3).await;
    let page = get(&gateway, "/api/v2/products?limit=1").await.json();
    let cursor = page["nextCursor"].as_str().unwrap();
    let same = get(
        &gateway,
        &format!("/api/v2/products?limit=2&cursor={cursor}"),
    )
    .await;
    assert_eq!(same.json()["items"].as_array().unwrap().len(), 2);
    for path in [
        format!("products?name=x&cursor={cursor}"),
        format!("products?order=asc&cursor={cursor}"),
        format!("products?cursor={}", &cursor[1..]),
        format!("orders?cursor={cursor}"),
        "auth/users?cursor=x".to_owned(),
    ] {
        let refused = get(&gateway, &format!("/api/v2/{path}")).await;
        assert_eq!(refused.problem(), (400, "bad_cursor".to_owned()), "{path}");
    }
    let refused = get(&gateway, "/api/v2/products?limit=101").await;
    assert_eq!(
        refused.failing(),
        [("limit".to_owned(), "too_large".to_owned())]
    );
    // The first version has no cursors: what it does not know it passes over.
    let list = get(&gateway, "/api/v1/products?cursor=x").await;
    assert_eq!(list.json().as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_deprecated_says_so() {
    let gateway = Gateway::start().await;
    let old = get(&gateway, "/api/v1/auth/find-all").await;
    assert_eq!(old.header("deprecation"), "@1795219200");
    assert_eq!(old.header("sunset"), "Sat, 01 Jan 2028 00:00:00 GMT");
    assert_eq!(
        old.header("link"),
        "</api/v2/auth/users>; rel=\"successor-version\""
    );
    let new = get(&gateway, "/api/v2/auth/users").await;
    assert_eq!(new.json()["items"], old.json());
    assert!(!new.headers.contains_key("deprecation"));
    for path in ["/api/v2/auth/find-all", "/api/v1/auth/users"] {
        assert_eq!(get(&gateway, path).await.problem().0, 404, "{path}");
    }
    // As before: who takes no query does not look at it.
    assert_eq!(
        get(&gateway, "/api/v1/auth/find-all?%zz&limit=0")
            .await
            .status,
        200
    );
}

/// Whatever routes there are: in both versions every document that can be read is as documented.
#[tokio::test]
async fn every_answer_is_as_its_version_documents_it() {
    let gateway = stocked(1).await;
    for (version, path) in [("v1", ""), ("v2", "/v2")] {
        let url = format!("/api-gateway/documentation-json{path}");
        let document = get(&gateway, &url).await.json();
        let paths = document["paths"].as_object().unwrap();
        let reads = paths.iter().filter(|(path, _)| path.starts_with("/api/"));
        for (path, item) in reads {
            let content = &item["get"]["responses"]["200"]["content"];
            let schema = &content["application/json"]["schema"];
            if !schema.is_null() {
                conform(&gateway, version, path, schema, &document).await;
            }
        }
    }
}

async fn conform(gateway: &Gateway, version: &str, path: &str, schema: &Value, document: &Value) {
    let id = match path {
        _ if path.contains("/products/") => PRODUCT,
        _ if path.contains("/cart-items/") => ITEM,
        _ if path.contains("/checkout/") => CHECKOUT,
        _ if path.contains("/sagas/") => SAGA,
        _ if path.contains("/users/") => BUYER,
        _ => ORDER,
    };
    let path = path.replace("{id}", id);
    let answer = send(gateway.anywhere(OPERATOR, Method::GET, &path)).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    let rooted = json!({ "allOf": [schema], "components": document["components"] });
    let validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .build(&rooted)
        .unwrap();
    let body = answer.json();
    let wrong: Vec<_> = validator
        .iter_errors(&body)
        .map(|each| each.to_string())
        .collect();
    assert!(wrong.is_empty(), "{path} is not as documented: {wrong:?}");
    if version == "v2" {
        assert!(
            !body.is_array(),
            "{path}: lists are answered with `Listing`"
        );
    }
}
