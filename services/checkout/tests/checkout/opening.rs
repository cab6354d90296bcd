//! From a cart to an open checkout, and every reason why not.

use std::time::{Duration, SystemTime};

use bson::oid::ObjectId;
use reen_error::Code;
use reen_proto::checkout::v1::{OpenCheckoutRequest, Status};
use reen_testkit::{acting_for, code, eventually};
use serde_json::json;

use crate::support::peers::HoldState;
use crate::support::stripe::session_id;
use crate::support::{MINUTE, Shop};

#[tokio::test]
async fn a_checkout_is_a_snapshot_a_hold_and_a_payment_page() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let before = SystemTime::now();
    let checkout = shop.open(buyer).await.unwrap();

    assert_eq!(checkout.status(), Status::Open);
    assert_eq!(checkout.user_id, buyer.to_hex());
    assert_eq!((checkout.total_cents, &*checkout.currency), (2_500, "usd"));
    let [line] = &checkout.lines[..] else {
        panic!("one line, not {:?}", checkout.lines);
    };
    assert_eq!((line.unit_price_cents, line.quantity), (1_250, 2));
    assert_eq!(line.name, "Lamp");
    let expires_at = SystemTime::try_from(checkout.expires_at.unwrap()).unwrap();
    let open_for = expires_at.duration_since(before).unwrap();
    assert!(
        (30 * MINUTE..=32 * MINUTE).contains(&open_for),
        "{open_for:?}"
    );
    let again = shop.get(buyer, &checkout.id).await.unwrap();
    assert_eq!(again, checkout);
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Held));
    assert!(shop.peers.world().releases.is_empty());
}

#[tokio::test]
async fn the_stock_is_reserved_for_the_users_cart() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open(buyer).await.unwrap();

    let world = shop.peers.world();
    assert_eq!(world.cart_asked_for, [buyer.to_hex()]);
    let [reservation] = &world.reservations[..] else {
        panic!("one reservation, not {:?}", world.reservations);
    };
    let operation = reservation.operation.as_ref().unwrap();
    assert_eq!(operation.id, format!("reserve:{}", checkout.id));
    assert_eq!(operation.saga, format!("open:{}", checkout.id));
    assert_eq!(operation.epoch, 1);
    assert_eq!(reservation.hold_id, checkout.id);
    assert_eq!(reservation.lines[0].product_id, world.cart[0].0.to_hex());
    let held_until = SystemTime::try_from(reservation.expires_at.unwrap()).unwrap();
    let closes = SystemTime::try_from(checkout.expires_at.unwrap()).unwrap();
    assert_eq!(held_until, closes + 5 * MINUTE);
}

#[tokio::test]
async fn stripe_knows_whose_checkout_it_is() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open(buyer).await.unwrap();
    let session = shop.stripe.session(&session_id(&checkout)).await;

    let metadata = json!({"checkout_id": checkout.id, "user_id": buyer.to_hex()});
    assert_eq!(session["metadata"], metadata);
    assert_eq!(session["client_reference_id"], checkout.id);
    assert_eq!(session["amount_total"], 2_500);
    assert_eq!(session["currency"], "usd");
    assert_eq!(
        session["success_url"],
        "http://shop.test/checkout?success=true"
    );
    assert_eq!(
        session["cancel_url"],
        "http://shop.test/checkout?canceled=true"
    );
    assert_eq!(session["expires_at"], checkout.expires_at.unwrap().seconds);
    let intent = shop.stripe.pay(&session_id(&checkout)).await;
    let intent = shop.stripe.payment_intent(&intent).await;
    assert_eq!(intent["metadata"], metadata);
}

#[tokio::test]
async fn an_empty_cart_is_not_bought() {
    let shop = Shop::start().await;
    shop.peers.world().cart.clear();
    let refused = shop.open(ObjectId::new()).await.unwrap_err();
    assert_eq!(refused.code, Code::EmptyCart);
    assert!(shop.peers.world().reservations.is_empty());
}

#[tokio::test]
async fn short_stock_is_told_line_by_line_and_nothing_is_held() {
    let shop = Shop::start().await;
    shop.peers.world().in_stock = 1;
    let refused = shop.open(ObjectId::new()).await.unwrap_err();
    assert_eq!(refused.code, Code::InsufficientStock);
    assert_eq!(refused.fields[0].field, "lines[0]");
    assert!(shop.peers.world().holds.is_empty());
    assert!(shop.peers.world().releases.is_empty());
    assert!(shop.stripe.sessions().await.is_empty());
}

/// Opens a checkout that is refused after the stock was reserved.
async fn refused_after_reserving(shop: &Shop) -> Code {
    let refused = shop.open(ObjectId::new()).await.unwrap_err();
    assert_eq!(shop.peers.count(HoldState::Held), 0);
    assert_eq!(shop.peers.count(HoldState::Released), 1);
    let world = shop.peers.world();
    let [release] = &world.releases[..] else {
        panic!("one release, not {:?}", world.releases);
    };
    let operation = release.operation.as_ref().unwrap();
    assert_eq!(operation.id, format!("release:{}", release.hold_id));
    assert_eq!(operation.saga, format!("open:{}", release.hold_id));
    assert_eq!(operation.epoch, 2, "a reservation on its way is refused");
    refused.code
}

#[tokio::test]
async fn a_buyer_who_cannot_afford_it_keeps_nothing() {
    let shop = Shop::start().await;
    shop.peers.world().balance_cents = 2_499;
    let code = refused_after_reserving(&shop).await;
    assert_eq!(code, Code::InsufficientBalance);
    assert!(shop.stripe.sessions().await.is_empty());
}

#[tokio::test]
async fn a_total_that_no_payment_can_carry_is_refused() {
    for (price_cents, expected) in [
        (24, Code::TotalTooSmall),
        (50_000_000, Code::TotalTooLarge),
        (i64::MAX, Code::TotalTooLarge),
    ] {
        let shop = Shop::start().await;
        shop.peers.world().price_cents = price_cents;
        shop.peers.world().balance_cents = i64::MAX;
        assert_eq!(refused_after_reserving(&shop).await, expected);
    }
}

#[tokio::test]
async fn stock_that_was_reserved_without_an_answer_is_given_back() {
    let shop = Shop::start().await;
    shop.peers.world().lost_answers = 1;
    assert_eq!(refused_after_reserving(&shop).await, Code::Unavailable);
}

#[tokio::test]
async fn what_stripe_refuses_is_given_back() {
    let shop = Shop::start().await;
    let fault = json!({"path": "/v1/checkout/sessions", "status": 400});
    shop.stripe.suffer(fault).await;
    assert_eq!(refused_after_reserving(&shop).await, Code::PaymentRefused);
}

#[tokio::test]
async fn only_the_gateway_opens_and_only_for_a_user() {
    let shop = Shop::start().await;
    let asked = OpenCheckoutRequest::default();
    let mut saga = shop.called_by("events-handler");
    let foreign = acting_for(ObjectId::new(), saga.open_checkout(asked)).await;
    assert_eq!(code(foreign), Code::UnknownCaller);
    let nobody = shop.called_by("gateway").open_checkout(asked).await;
    assert_eq!(code(nobody), Code::Unauthenticated);
}

#[tokio::test]
async fn a_checkout_is_only_seen_by_its_owner() {
    let shop = Shop::start().await;
    let checkout = shop.open(ObjectId::new()).await.unwrap();
    let stranger = ObjectId::new();
    for id in [checkout.id.as_str(), &ObjectId::new().to_hex(), "no id"] {
        let refused = shop.get(stranger, id).await.unwrap_err();
        assert_eq!(refused.code, Code::NotFound, "{id}");
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_leaves_nothing_half_done() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let fault = json!({"path": "/v1/checkout/sessions", "hang_ms": 300});
    shop.stripe.suffer(fault).await;
    let impatient = Duration::from_millis(100);
    let opening = shop.open_keyed(buyer, "key");
    let hung_up = tokio::time::timeout(impatient, opening).await;
    assert!(hung_up.is_err());

    let checkout = eventually("what was begun to be finished", async || {
        shop.open_keyed(buyer, "key").await.ok()
    })
    .await;
    assert_eq!(checkout.status(), Status::Open);
    assert_eq!(shop.stripe.sessions().await.len(), 1);
    assert_eq!(shop.peers.count(HoldState::Held), 1);
}
