//! The same wish twice, and Stripe failing before, while or after it does what it was asked.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bson::oid::ObjectId;
use reen_error::{Code, Failure};
use reen_proto::checkout::v1::{OpenCheckoutRequest, Status};
use reen_testkit::eventually;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::peers::HoldState;
use crate::support::{Shop, client, hurried_for};

#[tokio::test]
async fn the_same_key_opens_one_checkout() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let first = shop.open_keyed(buyer, "key").await.unwrap();
    let second = shop.open_keyed(buyer, "key").await.unwrap();
    assert_eq!(first, second);
    assert_eq!(shop.peers.world().reservations.len(), 1);
    assert_eq!(shop.stripe.sessions().await.len(), 1);
}

#[tokio::test]
async fn the_same_key_at_the_same_time_opens_one_checkout() {
    let shop = Arc::new(Shop::start().await);
    let buyer = ObjectId::new();
    let mut calls = JoinSet::new();
    for _ in 0..10 {
        let shop = Arc::clone(&shop);
        calls.spawn(async move { shop.open_keyed(buyer, "key").await.unwrap() });
    }
    let answers = calls.join_all().await;
    assert!(answers.iter().all(|answer| answer.status() == Status::Open));
    let ids: HashSet<_> = answers.into_iter().map(|answer| answer.id).collect();
    let [id] = &ids.into_iter().collect::<Vec<_>>()[..] else {
        panic!("several checkouts");
    };
    assert_eq!(shop.stripe.sessions().await.len(), 1);
    assert_eq!(shop.peers.hold(id), Some(HoldState::Held));
    assert_eq!(
        shop.peers.world().reservations.len(),
        1,
        "one call holds stock"
    );
}

#[tokio::test]
async fn a_key_belongs_to_its_user() {
    let shop = Shop::start().await;
    let mine = shop.open_keyed(ObjectId::new(), "key").await.unwrap();
    let yours = shop.open_keyed(ObjectId::new(), "key").await.unwrap();
    assert_ne!(mine.id, yours.id);
    let buyer = ObjectId::new();
    let first = shop.open(buyer).await.unwrap();
    let second = shop.open(buyer).await.unwrap();
    assert_ne!(first.id, second.id, "without a key each call opens one");
}

#[tokio::test]
async fn a_key_has_an_end() {
    let shop = Shop::start().await;
    let long = "k".repeat(256);
    let refused = shop.open_keyed(ObjectId::new(), &long).await.unwrap_err();
    assert_eq!(refused.code, Code::ValidationFailed);
    assert_eq!(refused.fields[0].field, "idempotencyKey");
}

#[tokio::test]
async fn a_key_whose_checkout_is_closed_is_spent() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open_keyed(buyer, "key").await.unwrap();
    shop.cancel(buyer, &checkout.id).await.unwrap();
    let again = shop.open_keyed(buyer, "key").await.unwrap_err();
    assert_eq!(again.code, Code::CheckoutClosed);
    assert_eq!(shop.peers.world().reservations.len(), 1);
    let anew = shop.open_keyed(buyer, "another key").await.unwrap();
    assert_eq!(anew.status(), Status::Open);
}

#[tokio::test]
async fn stripe_away_gives_the_stock_back_and_frees_the_key() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    shop.stripe.be_away("").await;
    let refused = shop.open_keyed(buyer, "key").await.unwrap_err();
    assert_eq!(refused.code, Code::Unavailable);
    assert_eq!(shop.peers.count(HoldState::Held), 0);
    assert_eq!(shop.peers.count(HoldState::Released), 1);

    shop.stripe.recover().await;
    let checkout = shop.open_keyed(buyer, "key").await.unwrap();
    assert_eq!(checkout.status(), Status::Open);
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Held));
}

#[tokio::test]
async fn a_session_whose_answer_was_lost_is_found_again() {
    let shop = Shop::start().await;
    let fault = json!({
        "path": "/v1/checkout/sessions", "times": 2, "status": 500, "after_effect": true,
    });
    shop.stripe.suffer(fault).await;
    let checkout = shop.open(ObjectId::new()).await.unwrap();
    assert_eq!(checkout.status(), Status::Open);
    let sessions = shop.stripe.sessions().await;
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0]["url"], checkout.stripe_session_url);
}

#[tokio::test]
async fn stripe_hanging_is_given_up_within_the_deadline() {
    let shop = Shop::start().await;
    let fault = json!({"path": "/v1/checkout/sessions", "times": 9, "hang_ms": 60_000});
    shop.stripe.suffer(fault).await;
    let mut gateway = shop.called_by("gateway");
    let opening = gateway.open_checkout(OpenCheckoutRequest::default());
    let patience = Duration::from_secs(2);
    let opening = hurried_for(ObjectId::new(), patience, opening).await;
    let refused = Failure::from(opening.unwrap_err());
    assert!(
        matches!(refused.code, Code::Unavailable | Code::DeadlineExceeded),
        "{refused:?}"
    );
    eventually("the stock to be given back", async || {
        (shop.peers.count(HoldState::Released) == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn stock_is_given_back_when_the_deadline_is_over() {
    let shop = Shop::start().await;
    shop.peers.world().balance_takes = Duration::from_secs(60);
    let mut gateway = shop.called_by("gateway");
    let opening = gateway.open_checkout(OpenCheckoutRequest::default());
    let patience = Duration::from_millis(500);
    let opening = hurried_for(ObjectId::new(), patience, opening).await;
    let refused = Failure::from(opening.unwrap_err());
    assert_eq!(refused.code, Code::DeadlineExceeded);
    eventually("the stock to be given back", async || {
        (shop.peers.count(HoldState::Released) == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn replicas_share_what_they_know() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open_keyed(buyer, "key").await.unwrap();
    let asleep = reen_checkout::Sweeping::default();
    let (address, _running) = crate::support::run(shop.replica(asleep)).await;
    let other = client("gateway", address);
    let again = crate::support::open(other, buyer, Some("key")).await;
    assert_eq!(again.unwrap(), checkout);
}
