//! The catalogue: pages, joins, entity tags, changes one by one and in bulk.

use reen_error::Code;
use reqwest::Method;
use serde_json::json;

use crate::support::{BUYER, Gateway, PRODUCT, SELLER, product, send};

async fn stocked(count: usize) -> Gateway {
    let gateway = Gateway::start().await;
    let products = (1..=count).map(product).collect();
    gateway.mesh.with(|state| state.products = products);
    gateway
}

#[tokio::test]
async fn a_page_costs_three_calls_at_most_however_long_it_is() {
    let pages = ["", "?limit=100", "?page=3&limit=50"].map(|query| (query, "ListProducts"));
    let one = format!("/{PRODUCT}");
    for (path, read) in pages.into_iter().chain([(&*one, "FindProducts")]) {
        // Of its own: names and counts are remembered for a second.
        let gateway = stocked(250).await;
        let answer = send(gateway.get(&format!("/products{path}"))).await;
        assert_eq!(answer.status, 200);
        let mut calls = ["CountOrders", "FindUsers", read];
        calls.sort_unstable();
        assert_eq!(gateway.mesh.take_calls(), calls, "{path}");
    }
}

#[tokio::test]
async fn a_list_is_an_array_and_a_page_has_a_description() {
    let gateway = stocked(25).await;
    let list = send(gateway.get("/products")).await;
    assert_eq!(list.header("x-total-count"), "25");
    let first = json!({
        "id": PRODUCT, "name": "Lamp 1", "description": "Warm light", "price": 99.99, "quantity": 5,
        "imageUrls": ["https://images.example/lamp.jpg"], "adminId": SELLER,
        "admin": {"id": SELLER, "name": "Grace"}, "orderCount": 7,
        "createdAt": "2025-06-15T15:06:40.123Z", "updatedAt": "2025-06-15T15:06:40.123Z",
    });
    assert_eq!(list.json()[0], first);
    assert_eq!(list.json().as_array().unwrap().len(), 25);
    let page = send(gateway.get("/products?page=2&limit=10&name=lamp")).await;
    let meta = json!({
        "total": 25, "page": 2, "lastPage": 3, "hasNextPage": true, "hasPreviousPage": true,
    });
    assert_eq!(page.json()["meta"], meta);
    assert_eq!(page.json()["products"].as_array().unwrap().len(), 10);
    let base = "/api/v1/products?name=lamp&limit=10";
    let link = format!("<{base}&page=1>; rel=\"prev\", <{base}&page=3>; rel=\"next\"");
    assert_eq!(page.header("link"), link);
    let beyond = send(gateway.get("/products?page=9")).await;
    assert_eq!(beyond.json()["products"], json!([]));
}

#[tokio::test]
async fn filters_reach_the_service() {
    let gateway = stocked(1).await;
    let query = "?name=L%20x&minPrice=0.1&maxPrice=99999&minQuantity=1&sortBy=price&order=asc";
    gateway.mesh.fail("ListProducts", Code::Internal);
    send(gateway.get(&format!("/products{query}"))).await;
    let asked = gateway.mesh.with(|state| state.last_change.clone());
    for part in [
        "name: Some(\"L x\")",
        "min_price_cents: Some(10)",
        "max_price_cents: Some(9999900)",
        "min_quantity: Some(1)",
        "max_quantity: None",
        "sort_by: Price",
        "ascending: true",
        "limit: 1000",
        "skip: 0",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
}

#[tokio::test]
async fn a_name_or_a_count_is_never_made_up() {
    for method in ["FindUsers", "CountOrders"] {
        // Of its own: the one that does not fail may be remembered.
        let gateway = stocked(2).await;
        gateway.mesh.fail(method, Code::Unavailable);
        for path in ["/products", &format!("/products/{PRODUCT}")] {
            let answer = send(gateway.get(path)).await;
            assert_eq!(
                answer.problem(),
                (503, "unavailable".to_owned()),
                "{method} {path}"
            );
            assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
        }
    }
}

#[tokio::test]
async fn a_seller_without_an_account_is_anonymous() {
    let gateway = stocked(1).await;
    gateway
        .mesh
        .with(|state| state.products[0].seller_id = PRODUCT.to_owned());
    let orphan = send(gateway.get(&format!("/products/{PRODUCT}"))).await;
    assert_eq!(
        orphan.json()["admin"],
        json!({"id": PRODUCT, "name": "Anonymous"})
    );
}

#[tokio::test]
async fn a_tag_saves_sending_what_has_not_changed() {
    let gateway = stocked(1).await;
    let path = format!("/products/{PRODUCT}");
    let first = send(gateway.get(&path)).await;
    assert_eq!(first.header("cache-control"), "public, no-cache");
    let tag = first.header("etag").to_owned();
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        "*".to_owned(),
        format!("\"x\", {tag}"),
    ] {
        let again = send(gateway.get(&path).header("if-none-match", &known)).await;
        assert_eq!(
            (again.status.as_u16(), again.text.as_str()),
            (304, ""),
            "{known}"
        );
        assert_eq!(again.header("etag"), tag);
    }
    let lines = gateway.get(&path).header("if-none-match", "\"x,y\"");
    let again = send(lines.header("if-none-match", &tag)).await;
    assert_eq!(again.status, 304, "on two lines");
    for other in ["\"x\"", "nonsense"] {
        let again = send(gateway.get(&path).header("if-none-match", other)).await;
        assert_eq!(again.status, 200, "{other}");
    }
    // The version is the same, but the body is another.
    gateway
        .mesh
        .with(|state| state.products[0].seller_id = BUYER.to_owned());
    let anew = gateway.get(&path).header("cache-control", "no-cache");
    let changed = send(anew.header("if-none-match", &tag)).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), tag);
}

#[tokio::test]
async fn a_change_can_be_meant_for_one_version() {
    let gateway = stocked(1).await;
    let path = format!("/products/{PRODUCT}");
    let tag = send(gateway.get(&path)).await.header("etag").to_owned();
    let patch = |tag: &str| {
        let request = gateway.signed_in(SELLER, Method::PATCH, &path);
        request.header("if-match", tag).json(&json!({"price": 1.5}))
    };
    let answer = send(patch(&tag)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let newer = answer.header("etag").to_owned();
    assert_ne!(newer, tag);
    assert_eq!(send(patch("*")).await.status, 200);
    let lines = patch("\"x,y\"").header("if-match", &tag);
    assert_eq!(send(lines).await.status, 200, "on two lines");
    let never_issued = "\"3-000000000000000000000000\"";
    for stale in [newer.as_str(), never_issued, "\"x\"", &format!("W/{tag}")] {
        let refused = send(patch(stale)).await;
        assert_eq!(
            refused.problem(),
            (412, "precondition_failed".to_owned()),
            "{stale}"
        );
    }
    let request = gateway.signed_in(SELLER, Method::PATCH, &path);
    assert_eq!(
        send(request.json(&json!({"quantity": 0}))).await.status,
        200
    );
    let asked = gateway.mesh.with(|state| state.last_change.clone());
    assert!(asked.contains("quantity: Some(0)") && asked.contains("expected_version: None"));
}

#[tokio::test]
async fn products_are_made_and_removed() {
    let gateway = stocked(1).await;
    let body = json!({
        "name": "Lamp", "description": "Warm", "price": 19.9, "quantity": 3,
        "imageUrls": ["https://images.example/lamp.jpg"],
    });
    let request = gateway
        .signed_in(SELLER, Method::POST, "/products")
        .json(&body);
    let answer = send(request).await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.header("location"),
        format!("/api/v1/products/{PRODUCT}")
    );
    assert_eq!(answer.json()["price"], json!(19.9));
    assert_eq!(answer.json()["orderCount"], 0);
    assert_eq!(gateway.mesh.last_user().as_deref(), Some(SELLER));
    let remove = gateway.signed_in(SELLER, Method::DELETE, &format!("/products/{PRODUCT}"));
    assert_eq!(send(remove).await.json(), json!({"status": "removed"}));
    gateway.mesh.fail("CreateProduct", Code::Forbidden);
    let request = gateway
        .signed_in(BUYER, Method::POST, "/products")
        .json(&body);
    assert_eq!(send(request).await.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn nothing_is_made_when_it_could_not_be_shown() {
    let gateway = stocked(1).await;
    gateway.mesh.fail("FindUsers", Code::Unavailable);
    let body = json!({"price": 1});
    let path = format!("/products/{PRODUCT}");
    let request = gateway.signed_in(SELLER, Method::PATCH, &path).json(&body);
    assert_eq!(send(request).await.problem().0, 503);
    assert_eq!(gateway.mesh.count("UpdateProduct"), 0);
}

#[tokio::test]
async fn several_are_changed_each_with_its_own_result() {
    let gateway = stocked(1).await;
    let unknown = "66f0c0ffee66f0c0ffeeffff";
    let body = json!([{"id": PRODUCT, "price": 5}, {"id": unknown, "quantity": 1}]);
    let request = gateway
        .signed_in(SELLER, Method::PATCH, "/products")
        .json(&body);
    let answer = send(request).await;
    assert_eq!(answer.status, 207);
    let results = &answer.json()["results"];
    assert_eq!(results[0]["status"], 200);
    assert_eq!(results[0]["product"]["admin"]["name"], "Grace");
    let failed = json!({
        "id": unknown, "status": 404,
        "error": {"code": "not_found", "message": "There is no such product"},
    });
    assert_eq!(results[1], failed);
    let body = json!({"ids": [PRODUCT.to_uppercase(), unknown]});
    let request = gateway
        .signed_in(SELLER, Method::DELETE, "/products")
        .json(&body);
    let answer = send(request).await;
    assert_eq!(
        answer.json()["results"][0],
        json!({"id": PRODUCT, "status": 200})
    );
}
