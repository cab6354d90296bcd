//! What belongs to whom, sessions, sellers, and leaving.

use reen_testkit::eventually;
use reen_tests::{Mesh, assert_invariants, cents};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reaches_what_belongs_to_another() {
    let mesh = Mesh::start().await;
    let seller = mesh.seller().await;
    let (buyer, stranger) = (mesh.buyer().await, mesh.buyer().await);
    let product = seller.list_product("10", 10).await;
    let order = buyer.buy(&product, 1).await;
    let item = buyer.add_to_cart(&product, 1).await.ok();
    let checkout = buyer.open_checkout().await.ok();

    let item = format!("/cart-items/{}", item["id"].as_str().unwrap());
    let checkout = format!("/checkout/{}", checkout["checkoutId"].as_str().unwrap());
    let order = format!("/orders/{}", order["id"].as_str().unwrap());
    for path in [&item, &checkout, &order] {
        let refused = stranger.get(path).await;
        assert_eq!(
            (refused.status, refused.code()),
            (404, "not_found"),
            "{path}"
        );
        assert_eq!(mesh.client().get(path).await.status, 401, "{path}");
    }
    assert_eq!(stranger.delete(&item).await.status, 404);
    assert_eq!(
        stranger.patch(&item, json!({"quantity": 2})).await.status,
        404
    );
    assert_eq!(
        stranger
            .post(&format!("{checkout}/cancel"), json!({}))
            .await
            .status,
        404
    );
    let product = format!("/products/{product}");
    assert_eq!(
        stranger.patch(&product, json!({"price": 1})).await.status,
        404
    );
    assert_eq!(stranger.delete(&product).await.status, 404);

    let public = stranger
        .get(&format!("/auth/users/{}", buyer.user_id))
        .await
        .ok();
    assert!(
        public.get("email").is_none() && public.get("balance").is_none(),
        "{public}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn becoming_a_seller_and_listing_cost_what_the_contract_says() {
    let mesh = Mesh::start().await;
    let seller = mesh.buyer().await;
    let product = json!({
        "name": "Lamp", "description": "Brass.", "price": 10, "quantity": 5,
        "imageUrls": ["https://img.example/lamp.png"],
    });
    let refused = seller.post("/products", product.clone()).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
    let before = cents(&seller.me().await["balance"]);
    let upgraded = seller
        .post("/auth/update-user-role", json!({"role": "ADMIN"}))
        .await
        .ok();
    assert_eq!(cents(&upgraded["balance"]), before - 16_000_000);
    assert_eq!(upgraded["role"], "ADMIN");
    seller.post("/products", product).await.ok();
    // 4 % of 10 × 5.
    assert_eq!(
        cents(&seller.me().await["balance"]),
        before - 16_000_000 - 200
    );
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_without_the_money_stays_a_buyer() {
    let mesh = Mesh::start_with(&[("STARTING_BALANCE", "159999.99")]).await;
    let buyer = mesh.buyer().await;
    let refused = buyer
        .post("/auth/update-user-role", json!({"role": "ADMIN"}))
        .await;
    assert_eq!(
        (refused.status, refused.code()),
        (400, "insufficient_balance")
    );
    assert_eq!(buyer.me().await["role"], "NADMIN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_refresh_token_revokes_its_family() {
    let mesh = Mesh::start().await;
    let buyer = mesh.buyer().await;
    let jar = reqwest::Client::new();
    let sign_in = json!({"email": buyer.email, "password": "correct horse battery"});
    let url = |path: &str| format!("{}/api/v1/auth/{path}", mesh.gateway);
    let signed_in = jar
        .post(url("sign-in"))
        .json(&sign_in)
        .send()
        .await
        .unwrap();
    let cookie = |response: &reqwest::Response| {
        let set = response.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(
            set.contains("HttpOnly") && set.contains("SameSite=Strict"),
            "{set}"
        );
        set.split(';').next().unwrap().to_owned()
    };
    let refresh = async |cookie: &str| {
        jar.post(url("refresh-token"))
            .header("cookie", cookie)
            .send()
            .await
            .unwrap()
    };
    let first = cookie(&signed_in);
    let rotated = refresh(&first).await;
    assert_eq!(rotated.status(), 200);
    let second = cookie(&rotated);
    assert_eq!(
        refresh(&first).await.status(),
        401,
        "a used token is refused"
    );
    assert_eq!(
        refresh(&second).await.status(),
        401,
        "and takes its family with it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_who_leaves_is_forgotten_and_the_orders_stay() {
    let mesh = Mesh::start().await;
    let seller = mesh.seller().await;
    let buyer = mesh.buyer().await;
    let (sold, unsold) = (
        seller.list_product("10", 5).await,
        seller.list_product("20", 5).await,
    );
    buyer.buy(&sold, 1).await;
    buyer.add_to_cart(&sold, 1).await.ok();
    buyer.add_to_cart(&unsold, 1).await.ok();

    assert_eq!(seller.delete("/auth/users/me").await.status, 202);
    eventually("the seller to be forgotten", async || {
        let gone = buyer.get(&format!("/auth/users/{}", seller.user_id)).await;
        (gone.status == 404).then_some(())
    })
    .await;

    assert_eq!(buyer.get("/cart-items").await.ok(), json!([]));
    for product in [&sold, &unsold] {
        assert_eq!(buyer.get(&format!("/products/{product}")).await.status, 404);
    }
    let closed = seller.get("/auth/users/me").await;
    assert_eq!((closed.status, closed.code()), (401, "unauthenticated"));
    let orders = buyer.get("/orders").await.ok();
    let item = &orders[0]["orderItems"][0];
    assert_eq!(item["product"]["name"], "Brass lamp");
    assert_eq!(item["product"]["admin"]["name"], "Anonymous");
    assert_invariants(&mesh).await;
}
