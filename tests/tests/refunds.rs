//! Money that goes back end to end: from sellers, from an operator, in Stripe's dashboard.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use bson::doc;
use futures::future::join_all;
use reen_testkit::eventually;
use reen_tests::{Client, Mesh, Scene, assert_invariants, cents};
use serde_json::{Value, json};

const REFUNDED: &str = "charge.refunded";

fn refunds_of(order: &Value) -> String {
    format!("/orders/{}/refunds", order["id"].as_str().unwrap())
}

/// The buyer's order once so much went back.
async fn refunded(buyer: &Client, order: &Value, amount_cents: i64) -> Value {
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    eventually(&format!("{amount_cents} cents to go back"), async || {
        let seen = buyer.get(&path).await.ok();
        (cents(&seen["refundedAmount"]) == amount_cents).then_some(seen)
    })
    .await
}

/// What a user has.
async fn balance(user: &Client) -> i64 {
    cents(&user.me().await["balance"])
}

/// Waits until a user has so much: a refund is in the order and in the ledger side by side.
async fn has(user: &Client, amount_cents: i64) {
    eventually(&format!("a balance of {amount_cents}"), async || {
        (balance(user).await == amount_cents).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_gives_the_own_lines_back_in_parts_and_no_others() {
    let Scene {
        mesh,
        seller,
        buyer,
        product,
    } = Scene::with("6", 10).await;
    let other = mesh.seller().await;
    let theirs = other.list_product("4", 10).await;
    buyer.add_to_cart(&theirs, 1).await.ok();
    let order = buyer.buy(&product, 1).await;
    let before = [
        balance(&seller).await,
        balance(&other).await,
        balance(&buyer).await,
    ];

    let part = json!({"amount": 2.5, "reason": "scratched"});
    let refund = seller.post(&refunds_of(&order), part).await;
    assert_eq!(refund.status, 202, "{}", refund.body);
    assert_eq!(
        (&refund.body["status"], &refund.body["amount"]),
        (&json!("pending"), &json!(2.5))
    );
    let seen = refunded(&buyer, &order, 250).await;
    assert_eq!(seen["status"], "paid");
    assert_eq!(seen["refunds"][0]["status"], "done");
    assert_eq!(seen["refunds"][0]["reason"], "scratched");

    seller.post(&refunds_of(&order), json!({})).await.ok();
    refunded(&buyer, &order, 600).await;
    has(&seller, before[0] - 600).await;
    has(&buyer, before[2] + 600).await;
    assert_eq!(balance(&other).await, before[1]);
    assert_eq!(cents(&seller.me().await["amountGained"]), 0);
    assert_eq!(cents(&buyer.me().await["amountSpent"]), 400);
    assert_eq!(buyer.in_stock(&product).await, 9);
    let letter = eventually("a letter", async || {
        let letters = mesh.letters_to(&buyer.email);
        letters.into_iter().find(|letter| letter.contains("$2.50"))
    });
    assert!(letter.await.contains(order["id"].as_str().unwrap()));
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_gives_a_whole_order_back_and_the_pieces_return() {
    let Scene {
        mesh,
        seller,
        buyer,
        product,
    } = Scene::with("10", 10).await;
    let operator = mesh.operator().await;
    let before = [balance(&seller).await, balance(&buyer).await];
    let order = buyer.buy(&product, 3).await;
    assert_eq!(buyer.in_stock(&product).await, 7);

    let everything = json!({"restock": true});
    operator.post(&refunds_of(&order), everything).await.ok();
    let seen = refunded(&buyer, &order, 3_000).await;
    assert_eq!(seen["status"], "refunded");
    has(&seller, before[0]).await;
    has(&buyer, before[1]).await;
    eventually("the pieces to return", async || {
        (buyer.in_stock(&product).await == 10).then_some(())
    })
    .await;
    let refunds = buyer.stripe_get("/sim/refunds").await;
    assert_eq!(refunds.as_array().map(Vec::len), Some(1), "{refunds}");
    let id = order["id"].as_str().unwrap();
    let status = format!("/orders/{id}/status");
    let moved = seller.patch(&status, json!({"status": "processing"})).await;
    assert_eq!(moved.code(), "illegal_transition");
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_back_more_than_is_left_and_strangers_nothing() {
    let Scene {
        mesh,
        seller,
        buyer,
        product,
    } = Scene::with("10", 10).await;
    let order = buyer.buy(&product, 1).await;
    let too_much = seller
        .post(&refunds_of(&order), json!({"amount": 10.01}))
        .await;
    assert_eq!(
        (too_much.status, too_much.code()),
        (409, "refund_exceeds_payment")
    );
    let part = json!({"amount": 9.99, "restock": true});
    let half = seller.post(&refunds_of(&order), part).await;
    assert_eq!((half.status, half.code()), (422, "validation_failed"));
    let another_seller = mesh.seller().await;
    for stranger in [&buyer, &another_seller] {
        let refused = stranger.post(&refunds_of(&order), json!({})).await;
        assert_eq!((refused.status, refused.code()), (404, "not_found"));
    }
    let nobody = mesh.client().post(&refunds_of(&order), json!({})).await;
    assert_eq!(nobody.status, 401);

    let asked = (0..6).map(|_| {
        let (seller, path) = (seller.clone(), refunds_of(&order));
        async move {
            seller
                .insist_once(&path, "k-1", json!({"amount": 4}))
                .await
                .ok()
        }
    });
    let answers = join_all(asked).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer["id"] == answers[0]["id"])
    );
    let seen = refunded(&buyer, &order, 400).await;
    assert_eq!(seen["refunds"].as_array().map(Vec::len), Some(1), "{seen}");
    let too_much = seller
        .post(&refunds_of(&order), json!({"amount": 6.01}))
        .await;
    assert_eq!(too_much.code(), "refund_exceeds_payment");
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_in_the_dashboard_are_borne_by_the_sellers_and_counted_once() {
    let Scene {
        mesh,
        seller,
        buyer,
        product,
    } = Scene::with("6", 10).await;
    let other = mesh.seller().await;
    let theirs = other.list_product("4", 10).await;
    let before = [
        balance(&seller).await,
        balance(&other).await,
        balance(&buyer).await,
    ];
    buyer.add_to_cart(&theirs, 1).await.ok();
    let checkout = buyer.check_out(&product, 1).await;
    let order = buyer.complete(&checkout).await;

    buyer.refund_in_dashboard(&checkout, Some(101)).await.ok();
    let seen = refunded(&buyer, &order, 101).await;
    assert_eq!(seen["status"], "paid");
    has(&seller, before[0] + 600 - 61).await;
    has(&other, before[1] + 400 - 40).await;
    buyer.refund_in_dashboard(&checkout, None).await.ok();
    let seen = refunded(&buyer, &order, 1_000).await;
    assert_eq!(seen["status"], "refunded");

    // Once more, the later one first.
    let events = mesh.delivered_events(REFUNDED, 2).await;
    for event in events.iter().rev() {
        let id = event["id"].as_str().unwrap();
        let path = format!("/sim/events/{id}/resend?times=3&concurrent=true");
        buyer.stripe_post(&path, json!({})).await.ok();
    }
    has(&seller, before[0]).await;
    has(&other, before[1]).await;
    has(&buyer, before[2]).await;
    let too_late = seller.post(&refunds_of(&order), json!({})).await;
    assert_eq!(too_late.code(), "refund_exceeds_payment");
    let seen = refunded(&buyer, &order, 1_000).await;
    assert_eq!(seen["refunds"].as_array().map(Vec::len), Some(2), "{seen}");
    assert_eq!(
        buyer.in_stock(&product).await,
        9,
        "the dashboard sends no pieces back"
    );
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_back_in_the_dashboard_cannot_go_back_again() {
    let Scene {
        mesh,
        seller,
        buyer,
        product,
    } = Scene::with("10", 10).await;
    let checkout = buyer.check_out(&product, 1).await;
    let order = buyer.complete(&checkout).await;
    // At the same time: whichever Stripe takes first.
    let path = refunds_of(&order);
    let (_, asked) = tokio::join!(
        buyer.refund_in_dashboard(&checkout, Some(600)),
        seller.post(&path, json!({"amount": 7})),
    );
    assert!([202, 409].contains(&asked.status), "{}", asked.body);
    eventually("one of them", async || {
        let id = order["id"].as_str().unwrap();
        let seen = buyer.get(&format!("/orders/{id}")).await.ok();
        let pending = seen["refunds"].as_array()?.iter();
        let is_settled = pending.clone().all(|refund| refund["status"] != "pending");
        (is_settled && [600, 700].contains(&cents(&seen["refundedAmount"]))).then_some(())
    })
    .await;
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_while_the_order_is_being_made_finds_it() {
    let Scene {
        mesh,
        seller,
        buyer,
        product,
    } = Scene::with("10", 10).await;
    let before = balance(&seller).await;
    let checkout = buyer.check_out(&product, 1).await;
    buyer.pay(&checkout).await.ok();
    buyer.refund_in_dashboard(&checkout, Some(300)).await.ok();
    let completed = buyer.checkout_in(&checkout, "completed").await;
    let order = json!({"id": completed["orderId"]});
    refunded(&buyer, &order, 300).await;
    has(&seller, before + 700).await;
    assert_invariants(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_went_back_in_the_dashboard_is_not_given_back_again() {
    let Scene {
        mesh,
        buyer,
        product,
        ..
    } = Scene::with("10", 1).await;
    let checkout = buyer.check_out(&product, 1).await;
    withdraw_hold(&mesh, &checkout).await;
    // The saga turns around, and Stripe does not answer its refund until the dashboard was quicker.
    let fault = json!({"path": "/v1/refunds", "times": 1_000, "status": 503});
    buyer.stripe_post("/sim/faults", fault).await;
    buyer.pay(&checkout).await.ok();
    eventually("the saga to turn around", async || {
        let events = mesh.database("EVENTS").await;
        let sagas = events.collection::<bson::Document>("sagas");
        let turned = doc! {"kind": "order-completed", "status": "compensating"};
        sagas.find_one(turned).await.unwrap()
    })
    .await;
    buyer.refund_in_dashboard(&checkout, None).await.ok();
    buyer.stripe_clear_faults().await;
    buyer.checkout_in(&checkout, "refunded").await;
    let refunds = buyer.stripe_get("/sim/refunds").await;
    assert_eq!(refunds.as_array().map(Vec::len), Some(1), "{refunds}");
    assert_eq!(buyer.get("/orders").await.ok(), json!([]));
    assert_invariants(&mesh).await;
}

/// Takes the held pieces out of the shop behind the mesh's back, as if they had been lost: nothing is
/// there to be sold when the payment comes.
async fn withdraw_hold(mesh: &Mesh, checkout: &Value) {
    let products = mesh.database("PRODUCTS").await;
    let holds = products.collection::<bson::Document>("holds");
    let id = checkout["checkoutId"].as_str().unwrap();
    let released = doc! {"$set": {"state": "released"}};
    let hold = holds.find_one_and_update(doc! {"_id": id}, released).await;
    let hold = hold.unwrap().unwrap();
    let stock = products.collection::<bson::Document>("products");
    for line in hold.get_array("lines").unwrap() {
        let line = line.as_document().unwrap();
        let pieces = line.get_i64("quantity").unwrap();
        let gone = doc! {"$inc": {"held": -pieces, "stocked": -pieces, "version": 1_i64}};
        let this = doc! {"_id": line.get_object_id("productId").unwrap()};
        stock.update_one(this, gone).await.unwrap();
    }
}
