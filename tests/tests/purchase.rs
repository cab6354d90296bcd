//! One purchase end to end over HTTP, and the ways in which it does not come to one.

use reen_testkit::eventually;
use reen_tests::{Mesh, Scene, assert_invariants, cents};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_who_pays_gets_the_order_and_both_get_a_letter() {
    let Scene {
        mesh,
        seller,
        buyer,
        product,
    } = Scene::with("99.99", 10).await;
    let (seller_before, buyer_before) = (seller.me().await, buyer.me().await);

    let order = buyer.buy(&product, 3).await;

    assert_eq!(cents(&order["total"]), 29_997);
    let item = &order["orderItems"][0];
    assert_eq!(item["productId"], product.as_str());
    assert_eq!(item["quantity"], 3);
    assert_eq!(cents(&item["price"]), 29_997);
    assert_eq!(item["product"]["name"], "Brass lamp");

    let (seller_after, buyer_after) = (seller.me().await, buyer.me().await);
    let gained = cents(&seller_after["balance"]) - cents(&seller_before["balance"]);
    let spent = cents(&buyer_before["balance"]) - cents(&buyer_after["balance"]);
    assert_eq!((gained, spent), (29_997, 29_997));
    assert_eq!(cents(&seller_after["amountGained"]), 29_997);
    assert_eq!(cents(&buyer_after["amountSpent"]), 29_997);
    assert_eq!(seller_after["salesCount"], 1);
    assert_eq!(buyer_after["purchasesCount"], 1);

    let seen = buyer.sees_ordered(&product, 1).await;
    assert_eq!(seen["quantity"], 7);
    assert_eq!(buyer.get("/cart-items").await.ok(), json!([]));
    assert_eq!(buyer.get("/orders").await.ok()[0]["id"], order["id"]);
    let sales = seller.get("/orders/sales").await.ok();
    assert_eq!(sales.as_array().map(Vec::len), Some(1), "{sales}");

    let letters = async |address: &str| {
        eventually("a letter", async || {
            mesh.order_letters_to(address).into_iter().next()
        })
        .await
    };
    assert!(letters(&buyer.email).await.contains("$299.97"));
    assert!(letters(&seller.email).await.contains("You sold something"));
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_added_after_the_checkout_stays_in_the_cart() {
    let Scene {
        mesh,
        seller,
        buyer,
        product,
    } = Scene::with("10", 10).await;
    let other = seller.list_product("20", 10).await;
    let checkout = buyer.check_out(&product, 2).await;
    buyer.add_to_cart(&product, 1).await.ok();
    buyer.add_to_cart(&other, 4).await.ok();
    let order = buyer.complete(&checkout).await;
    assert_eq!(cents(&order["total"]), 2_000);
    let cart = buyer.get("/cart-items").await.ok();
    let left: Vec<_> = cart
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            (
                item["productId"].as_str().unwrap(),
                item["quantity"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(left, [(product.as_str(), 1), (other.as_str(), 4)]);
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_changes_after_the_checkout_changes_nothing() {
    let Scene {
        mesh,
        seller,
        buyer,
        product,
    } = Scene::with("10", 10).await;
    let checkout = buyer.check_out(&product, 1).await;
    seller
        .patch(&format!("/products/{product}"), json!({"price": 99.5}))
        .await
        .ok();
    let order = buyer.complete(&checkout).await;
    assert_eq!(cents(&order["total"]), 1_000);
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_card_leaves_the_checkout_open_and_another_card_pays_it() {
    let Scene {
        mesh,
        buyer,
        product,
        ..
    } = Scene::with("10", 1).await;
    let checkout = buyer.check_out(&product, 1).await;

    let declined = buyer.pay_with_declined_card(&checkout).await;
    assert_eq!(declined.status, 402, "{}", declined.body);
    let id = checkout["checkoutId"].as_str().unwrap();
    assert_eq!(
        buyer.get(&format!("/checkout/{id}")).await.ok()["status"],
        "open"
    );
    assert_eq!(buyer.get("/orders").await.ok(), json!([]));

    buyer.pay(&checkout).await.ok();
    buyer.checkout_in(&checkout, "completed").await;
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_cart_cannot_be_checked_out() {
    let mesh = Mesh::start().await;
    let buyer = mesh.buyer().await;
    let refused = buyer.open_checkout().await;
    assert_eq!((refused.status, refused.code()), (400, "empty_cart"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cart_above_the_balance_is_refused_and_holds_nothing() {
    let mesh = Mesh::start_with(&[("STARTING_BALANCE", "200000.00")]).await;
    let seller = mesh.seller().await;
    let buyer = mesh.buyer().await;
    let product = seller.list_product("100000.01", 2).await;
    buyer.add_to_cart(&product, 2).await.ok();
    let refused = buyer.open_checkout().await;
    assert_eq!(
        (refused.status, refused.code()),
        (409, "insufficient_balance")
    );
    assert_eq!(buyer.in_stock(&product).await, 2);
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canceled_checkout_gives_the_stock_back_and_cannot_be_paid() {
    let Scene {
        mesh,
        buyer,
        product,
        ..
    } = Scene::with("10", 2).await;
    let checkout = buyer.check_out(&product, 2).await;
    assert_eq!(buyer.in_stock(&product).await, 0);

    let id = checkout["checkoutId"].as_str().unwrap();
    let canceled = buyer
        .post(&format!("/checkout/{id}/cancel"), json!({}))
        .await
        .ok();
    assert_eq!(canceled["status"], "canceled");
    assert_eq!(buyer.in_stock(&product).await, 2);
    assert_eq!(buyer.pay(&checkout).await.status, 409);
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_session_gives_the_stock_back() {
    let Scene {
        mesh,
        buyer,
        product,
        ..
    } = Scene::with("10", 2).await;
    let checkout = buyer.check_out(&product, 2).await;
    buyer.expire_session(&checkout).await.ok();
    buyer.checkout_in(&checkout, "expired").await;
    eventually("the stock to be back", async || {
        (buyer.in_stock(&product).await == 2).then_some(())
    })
    .await;
    assert_invariants(&mesh).await;
}
