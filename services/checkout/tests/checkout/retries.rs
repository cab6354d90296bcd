//! The same wish twice, and Stripe failing before, while or after it does what it was asked.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use reen_chassis::RequestKey;
use reen_error::{Code, Failure};
use reen_proto::checkout::v1::{OpenCheckoutRequest, Status};
use reen_proto::products::v1::ReleaseHoldRequest;
use reen_proto::products::v1::products_client::ProductsClient;
use reen_testkit::{eventually, peer, saga_operation};
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::peers::{Hold, HoldState};
use crate::support::{MINUTE, Shop, client, hurried_for, named, open};

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
    let asleep = reen_checkout::Sweeping::default();
    let (replica, _running) = crate::support::run(shop.replica(asleep)).await;
    let buyer = ObjectId::new();
    let mut calls = JoinSet::new();
    for index in 0..20 {
        let address = if index % 2 == 0 {
            shop.address
        } else {
            replica
        };
        calls.spawn(open(client("gateway", address), buyer, Some("key")));
    }
    let mut ids = HashSet::new();
    for outcome in calls.join_all().await {
        match outcome {
            Ok(answer) => {
                assert_eq!(answer.status(), Status::Open);
                ids.insert(answer.id);
            }
            Err(refused) => assert_eq!(refused.code, Code::IdempotencyInFlight),
        }
    }
    let again = shop.open_keyed(buyer, "key").await.unwrap();
    assert_eq!(ids, HashSet::from([again.id.clone()]));
    assert_eq!(shop.stripe.sessions().await.len(), 1);
    assert_eq!(shop.peers.hold(&again.id), Some(HoldState::Held));
    let reservations = shop.peers.world().reservations.len();
    assert_eq!(
        reservations, 1,
        "one call holds stock, at whichever replica"
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
async fn a_repeat_gets_the_first_answer_whatever_became_of_the_checkout() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open_keyed(buyer, "key").await.unwrap();
    shop.cancel(buyer, &checkout.id).await.unwrap();
    let again = shop.open_keyed(buyer, "key").await.unwrap();
    assert_eq!(again, checkout);
    assert_eq!(shop.peers.world().reservations.len(), 1);
    let anew = shop.open_keyed(buyer, "another key").await.unwrap();
    assert_ne!(anew.id, checkout.id);
}

/// Leaves a request behind whose process died over it; answers what it would have made.
async fn left_behind(shop: &Shop, buyer: ObjectId) -> ObjectId {
    let method = "/reen.checkout.v1.Checkout/OpenCheckout";
    let key = RequestKey::new(&buyer.to_hex(), method, &named("key"));
    let effect = ObjectId::new();
    let claimed = doc! {
        "_id": key.id(), "fingerprint": key.fingerprint(), "effect": effect,
        "claim": ObjectId::new(), "leaseUntil": DateTime::MIN, "claimedAt": DateTime::now(),
    };
    let database = shop.database.open().await;
    let requests = database.collection::<Document>("idempotency");
    requests.insert_one(claimed).await.unwrap();
    effect
}

#[tokio::test]
async fn a_process_that_dies_with_the_stock_in_its_hands_is_gone_on_with() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let effect = left_behind(&shop, buyer).await;
    let hold = Hold {
        state: HoldState::Held,
        expires_at: SystemTime::now() + MINUTE,
    };
    shop.peers.world().holds.insert(effect.to_hex(), hold);
    let checkout = shop.open_keyed(buyer, "key").await.unwrap();
    assert_eq!(checkout.id, effect.to_hex(), "under the hold that is there");
    assert_eq!(shop.peers.count(HoldState::Held), 1);
}

#[tokio::test]
async fn a_process_that_dies_before_it_shows_the_page_is_gone_on_with() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let effect = left_behind(&shop, buyer).await;
    let first = shop.open_keyed(buyer, "key").await.unwrap();
    // As if the page had not been noted, nor the answer.
    let database = shop.database.open().await;
    let opening = doc! {"$set": {"state": "opening"}, "$unset": {"page": ""}};
    let checkouts = database.collection::<Document>("checkouts");
    checkouts
        .update_one(doc! {"_id": effect}, opening)
        .await
        .unwrap();
    let requests = database.collection::<Document>("idempotency");
    let unanswered = doc! {"$set": {"leaseUntil": DateTime::MIN}, "$unset": {"answer": ""}};
    requests.update_one(doc! {}, unanswered).await.unwrap();

    let again = shop.open_keyed(buyer, "key").await.unwrap();
    assert_eq!(again.id, first.id);
    assert_eq!(again.stripe_session_url, first.stripe_session_url);
    assert_eq!(shop.stripe.sessions().await.len(), 1);
}

#[tokio::test]
async fn what_was_cleared_away_after_a_crash_is_begun_anew() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let effect = left_behind(&shop, buyer).await;
    let swept = ReleaseHoldRequest {
        operation: saga_operation("release", format!("open:{effect}"), 2),
        hold_id: effect.to_hex(),
    };
    let products = peer("checkout", "products", shop.peers.products);
    let mut products = ProductsClient::new(products);
    products.release_hold(swept).await.unwrap();
    let refused = shop.open_keyed(buyer, "key").await.unwrap_err();
    assert_eq!(refused.code, Code::Unavailable, "nothing is left of it");
    let anew = shop.open_keyed(buyer, "key").await.unwrap();
    assert_ne!(anew.id, effect.to_hex());
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
    let opening = gateway.open_checkout(OpenCheckoutRequest {});
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
    let opening = gateway.open_checkout(OpenCheckoutRequest {});
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
    let again = open(other, buyer, Some("key")).await;
    assert_eq!(again.unwrap(), checkout);
}
