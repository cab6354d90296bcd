//! Carts, checkouts and orders.

use reen_error::Code;
use reqwest::Method;
use serde_json::json;

use crate::support::{BUYER, CHECKOUT, Gateway, ITEM, ORDER, PRODUCT, SELLER, product, send};

async fn stocked() -> Gateway {
    let gateway = Gateway::start().await;
    gateway.mesh.with(|state| state.products = vec![product(1)]);
    gateway
}

#[tokio::test]
async fn a_cart_shows_its_products() {
    let gateway = stocked().await;
    let body = json!({"productId": PRODUCT, "quantity": 2});
    let answer = send(
        gateway
            .signed_in(BUYER, Method::POST, "/cart-items")
            .json(&body),
    )
    .await;
    assert_eq!(answer.status, 201);
    let time = "2025-06-15T15:06:40.123Z";
    let item = json!({
        "id": ITEM, "userId": BUYER, "productId": PRODUCT, "quantity": 2,
        "createdAt": time, "updatedAt": time,
    });
    assert_eq!(answer.json(), item);
    assert_eq!(gateway.mesh.last_user().as_deref(), Some(BUYER));
    gateway.mesh.take_calls();
    let cart = send(gateway.signed_in(BUYER, Method::GET, "/cart-items")).await;
    let cart = cart.json();
    assert_eq!(
        cart.as_array().unwrap().len(),
        1,
        "an item without a product is left out"
    );
    assert_eq!(cart[0]["product"]["name"], "Lamp 1");
    let calls = ["CountOrders", "FindProducts", "FindUsers", "ListItems"];
    assert_eq!(gateway.mesh.take_calls(), calls);
}

#[tokio::test]
async fn items_are_changed_and_removed() {
    let gateway = stocked().await;
    let path = format!("/cart-items/{ITEM}");
    let one = send(gateway.signed_in(BUYER, Method::GET, &path)).await;
    assert_eq!(one.json()["product"]["id"], PRODUCT);
    let patch = gateway.signed_in(BUYER, Method::PATCH, &path);
    assert_eq!(
        send(patch.json(&json!({"quantity": 9}))).await.json()["quantity"],
        9
    );
    gateway.mesh.fail("ChangeQuantity", Code::InsufficientStock);
    let patch = gateway.signed_in(BUYER, Method::PATCH, &path);
    let refused = send(patch.json(&json!({"quantity": 9}))).await;
    assert_eq!(refused.problem(), (409, "insufficient_stock".to_owned()));
    let remove = send(gateway.signed_in(BUYER, Method::DELETE, &path)).await;
    assert_eq!(remove.json(), json!({"status": "removed"}));
    let clear = send(gateway.signed_in(BUYER, Method::DELETE, "/cart-items")).await;
    assert_eq!(clear.json(), json!({"removed": 2}));
}

#[tokio::test]
async fn a_checkout_is_opened_shown_and_given_up() {
    let gateway = stocked().await;
    let time = "2025-06-15T15:06:40.123Z";
    let answer = send(gateway.signed_in(BUYER, Method::POST, "/checkout")).await;
    assert_eq!(answer.status, 201);
    let opened = json!({
        "stripeSessionUrl": "https://pay.example/cs_1", "checkoutId": CHECKOUT, "expiresAt": time,
    });
    assert_eq!(answer.json(), opened);
    let path = format!("/checkout/{CHECKOUT}");
    let shown = send(gateway.signed_in(BUYER, Method::GET, &path))
        .await
        .json();
    assert_eq!(
        (&shown["status"], &shown["total"]),
        (&json!("paid"), &json!(199.98))
    );
    let line = json!({
        "productId": PRODUCT, "name": "Lamp 1", "adminId": SELLER, "unitPrice": 99.99, "quantity": 2,
        "imageUrl": "https://images.example/lamp.jpg",
    });
    assert_eq!(shown["lines"], json!([line]));
    let cancel = format!("{path}/cancel");
    let canceled = send(gateway.signed_in(BUYER, Method::POST, &cancel)).await;
    assert_eq!(canceled.json()["status"], "canceled");
    for (code, status) in [
        (Code::EmptyCart, 400),
        (Code::InsufficientBalance, 409),
        (Code::InsufficientStock, 409),
        (Code::PaymentRefused, 409),
    ] {
        gateway.mesh.fail("OpenCheckout", code);
        let answer = send(gateway.signed_in(BUYER, Method::POST, "/checkout")).await;
        assert_eq!(answer.problem(), (status, code.word().to_owned()));
    }
}

#[tokio::test]
async fn orders_show_what_was_bought() {
    let gateway = stocked().await;
    let path = format!("/orders/{ORDER}");
    let order = send(gateway.signed_in(BUYER, Method::GET, &path))
        .await
        .json();
    assert_eq!(
        (&order["status"], &order["total"]),
        (&json!("shipped"), &json!(399.96))
    );
    let items = &order["orderItems"];
    assert_eq!(
        (&items[0]["price"], &items[0]["quantity"]),
        (&json!(199.98), &json!(2))
    );
    assert_eq!(items[0]["product"]["name"], "Lamp 1");
    assert_eq!(
        items[1]["product"]["name"], "Lamp as it was",
        "gone, but not from the order"
    );
    assert_eq!(items[1]["product"]["price"], json!(99.99));
    let refund = json!({
        "id": "re_1", "amount": 12.5, "status": "done", "restock": false,
        "createdAt": "2025-06-15T15:06:40.123Z",
    });
    assert_eq!(order["refunds"], json!([refund]));
    assert_eq!(order["refundedAmount"], json!(12.5));
}

#[tokio::test]
async fn orders_are_listed_in_four_calls() {
    let gateway = stocked().await;
    let list = send(gateway.signed_in(BUYER, Method::GET, "/orders")).await;
    assert_eq!(list.json().as_array().unwrap().len(), 2);
    assert_eq!(list.header("x-total-count"), "41");
    let calls = ["CountOrders", "FindProducts", "FindUsers", "ListOrders"];
    assert_eq!(gateway.mesh.take_calls(), calls);
    let page = send(gateway.signed_in(BUYER, Method::GET, "/orders?limit=10&page=2")).await;
    assert!(page.header("link").contains("page=3>; rel=\"next\""));
    assert!(page.json().is_array());
}

#[tokio::test]
async fn sellers_see_their_sales_and_move_orders_on() {
    let gateway = stocked().await;
    let sales = send(gateway.signed_in(SELLER, Method::GET, "/orders/sales"))
        .await
        .json();
    let sale = &sales[0];
    assert_eq!(
        (&sale["orderId"], &sale["status"]),
        (&json!(ORDER), &json!("paid"))
    );
    assert_eq!(
        (&sale["price"], &sale["userId"]),
        (&json!(199.98), &json!(BUYER))
    );
    assert_eq!(sale["product"]["id"], PRODUCT);
    let path = format!("/orders/{ORDER}/status");
    let patch = || gateway.signed_in(SELLER, Method::PATCH, &path);
    let moved = send(patch().json(&json!({"status": "delivered"}))).await;
    assert_eq!(moved.json()["status"], "delivered");
    gateway.mesh.fail("FindProducts", Code::Unavailable);
    let moved = send(patch().json(&json!({"status": "shipped"}))).await;
    assert_eq!(moved.status, 200, "the change is made all the same");
    gateway.mesh.fail("ChangeStatus", Code::IllegalTransition);
    let refused = send(patch().json(&json!({"status": "paid"}))).await;
    assert_eq!(refused.problem(), (409, "illegal_transition".to_owned()));
}
