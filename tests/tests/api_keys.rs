//! A program that works for a seller: it has a key, and sells with it.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use reen_testkit::eventually;
use reen_tests::{Client, Scene};
use serde_json::json;

async fn program(user: &Client, scopes: &[&str]) -> (String, Client) {
    let asked = json!({"name": "Stock keeper", "scopes": scopes});
    let made = user.post("/auth/api-keys", asked).await.ok();
    let key = made["key"].as_str().unwrap();
    let id = made["id"].as_str().unwrap().to_owned();
    (id, user.clone().with_token(key))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_sells_for_its_user_until_its_key_is_taken_back() {
    let Scene {
        mesh: _mesh,
        seller,
        buyer,
        product,
    } = Scene::with("10.00", 5).await;
    let scopes = ["products:write", "orders:read", "orders:write"];
    let (id, program) = program(&seller, &scopes).await;
    let order = buyer.buy(&product, 1).await;
    let sales = program.get("/orders/sales").await.ok();
    assert_eq!(sales.as_array().unwrap().len(), 1);
    let status = format!("/orders/{}/status", order["id"].as_str().unwrap());
    program
        .patch(&status, json!({"status": "processing"}))
        .await
        .ok();
    let shelf = program.list_product("12.50", 3).await;
    assert_eq!(program.in_stock(&shelf).await, 3);

    let refused = program.get("/auth/users/me").await;
    assert_eq!(
        (refused.status, refused.code()),
        (403, "insufficient_scope")
    );
    let refused = program.get("/auth/api-keys").await;
    assert_eq!(
        (refused.status, refused.code()),
        (403, "insufficient_scope")
    );

    let listed = seller.get("/auth/api-keys").await.ok();
    assert!(listed[0]["lastUsedAt"].is_string(), "{listed}");
    assert!(listed[0].get("key").is_none(), "{listed}");
    seller.delete(&format!("/auth/api-keys/{id}")).await.ok();
    eventually("the key to open nothing", async || {
        (program.get("/orders/sales").await.status == 401).then_some(())
    })
    .await;
}
