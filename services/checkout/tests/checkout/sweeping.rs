//! What crashes and lost webhooks left behind.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use reen_checkout::Terms;
use reen_proto::checkout::v1::{CheckoutSession, RecordRefundRequest, Status};
use reen_proto::products::v1::ReleaseHoldRequest;
use reen_testkit::eventually;
use serde_json::json;

use crate::support::peers::HoldState;
use crate::support::stripe::session_id;
use crate::support::{AWAKE, MINUTE, Shop, client, open, operation, run};

async fn released(shop: &Shop, hold_id: &str) {
    eventually("the stock to be given back", async || {
        (shop.peers.hold(hold_id) == Some(HoldState::Released)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_checkout_whose_webhook_was_lost_expires() {
    let shop = Shop::start_hasty().await;
    let buyer = ObjectId::new();
    let checkout = shop.open(buyer).await.unwrap();
    shop.reaches(buyer, &checkout.id, Status::Expired).await;
    released(&shop, &checkout.id).await;
    let session = shop.stripe.session(&session_id(&checkout)).await;
    assert_eq!(session["status"], "expired");
}

#[tokio::test]
async fn what_was_paid_is_left_to_the_saga() {
    let shop = Shop::start_hasty().await;
    let buyer = ObjectId::new();
    let paid = shop.open(buyer).await.unwrap();
    shop.stripe.pay(&session_id(&paid)).await;
    for _ in 0..2 {
        // When one that was opened later is swept, this one was looked at.
        let later = shop.open(buyer).await.unwrap();
        shop.reaches(buyer, &later.id, Status::Expired).await;
    }
    let unchanged = shop.get(buyer, &paid.id).await.unwrap();
    assert_eq!(unchanged.status(), Status::Open);
    assert_eq!(shop.peers.hold(&paid.id), Some(HoldState::Held));
}

#[tokio::test]
async fn nothing_is_given_back_before_stripe_was_asked() {
    let shop = Shop::start_hasty().await;
    let buyer = ObjectId::new();
    shop.stripe.be_away("/*").await;
    let checkout = shop.open(buyer).await.unwrap();
    let lonely = ObjectId::new().to_hex();
    eventually("the checkout to be overdue", async || {
        let closes = checkout.expires_at.unwrap().seconds;
        (DateTime::now().timestamp_millis() / 1_000 > closes).then_some(())
    })
    .await;
    shop.peers.leave_behind(&lonely);
    released(&shop, &lonely).await;
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Held));
    shop.stripe.recover().await;
    shop.reaches(buyer, &checkout.id, Status::Expired).await;
    released(&shop, &checkout.id).await;
}

#[tokio::test]
async fn several_replicas_sweep_as_one() {
    let shop = Shop::start_hasty().await;
    let _replicas = [
        run(shop.replica(AWAKE)).await,
        run(shop.replica(AWAKE)).await,
    ];
    let buyer = ObjectId::new();
    let mut checkouts = Vec::new();
    for _ in 0..5 {
        checkouts.push(shop.open(buyer).await.unwrap());
    }
    for checkout in checkouts {
        shop.reaches(buyer, &checkout.id, Status::Expired).await;
        released(&shop, &checkout.id).await;
    }
}

/// A service that is killed while it opens a checkout, after Stripe made the session.
async fn crash_while_opening(shop: &Shop, buyer: ObjectId) {
    let doomed = tokio::runtime::Runtime::new().unwrap();
    let asleep = reen_checkout::Sweeping::default();
    let running = doomed.spawn(run(shop.replica(asleep)));
    let (address, _running) = running.await.unwrap();
    let path = "/v1/checkout/sessions";
    let fault = json!({"path": path, "method": "POST", "hang_ms": 60_000, "after_effect": true});
    shop.stripe.suffer(fault).await;
    let opening = tokio::spawn(open(client("gateway", address), buyer, Some("key")));
    eventually("the session to be made", async || {
        (!shop.stripe.sessions().await.is_empty()).then_some(())
    })
    .await;
    doomed.shutdown_background();
    assert!(opening.await.unwrap().is_err());
}

#[tokio::test]
async fn a_crash_while_opening_is_cleared_up() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    crash_while_opening(&shop, buyer).await;
    let (address, _running) = run(shop.replica(AWAKE)).await;
    eventually("the stock to be given back", async || {
        (shop.peers.count(HoldState::Released) == 1).then_some(())
    })
    .await;
    let sessions = shop.stripe.sessions().await;
    assert_eq!(sessions.len(), 1, "the same request found it again");
    assert_eq!(sessions[0]["status"], "expired");

    let retried = eventually("the key to be free again", async || {
        open(client("gateway", address), buyer, Some("key"))
            .await
            .ok()
    })
    .await;
    assert_eq!(retried.status(), Status::Open);
}

/// A checkout as a crash before the call to Stripe leaves it.
async fn leave_unopened(shop: &Shop, buyer: ObjectId, expires_at: DateTime) -> String {
    let id = ObjectId::new();
    let long_ago = DateTime::from_millis(DateTime::now().timestamp_millis() - 3_600_000);
    let line = doc! {
        "productId": ObjectId::new(), "name": "Lamp", "sellerId": ObjectId::new(),
        "unitPriceCents": 1_250_i64, "quantity": 2_i64, "imageUrl": "",
    };
    let unopened = doc! {
        "_id": id, "userId": buyer, "state": "opening", "lines": [line],
        "totalCents": 2_500_i64, "currency": "usd", "holdState": "held", "operations": [],
        "expiresAt": expires_at, "createdAt": long_ago, "updatedAt": long_ago,
    };
    shop.peers.leave_behind(&id.to_hex());
    let database = shop.database.open().await;
    let checkouts = database.collection::<Document>("checkouts");
    checkouts.insert_one(unopened).await.unwrap();
    id.to_hex()
}

#[tokio::test]
async fn what_stripe_never_heard_of_expires() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let soon = DateTime::from_millis(DateTime::now().timestamp_millis() + 60_000);
    let id = leave_unopened(&shop, buyer, soon).await;
    let _replica = run(shop.replica(AWAKE)).await;
    shop.reaches(buyer, &id, Status::Expired).await;
    released(&shop, &id).await;
    assert!(shop.stripe.sessions().await.is_empty());
}

#[tokio::test]
async fn a_hold_without_a_checkout_is_given_back() {
    let terms = Terms {
        open_for: 31 * MINUTE,
        grace: 5 * MINUTE,
    };
    let shop = Shop::start_with(terms, AWAKE).await;
    let hold_id = ObjectId::new().to_hex();
    shop.peers.leave_behind(&hold_id);
    shop.peers.leave_behind("of somebody else");
    released(&shop, &hold_id).await;
    let somebody_elses = shop.peers.hold("of somebody else");
    assert_eq!(somebody_elses, Some(HoldState::Held));
}

async fn refund(shop: &Shop, checkout: &CheckoutSession) {
    let refund = RecordRefundRequest {
        operation: operation(&checkout.id, "undo", 2),
        checkout_id: checkout.id.clone(),
        refund_id: "re_1".to_owned(),
    };
    let mut saga = shop.called_by("events-handler");
    saga.record_refund(refund).await.unwrap();
}

#[tokio::test]
async fn stock_that_was_reserved_anew_follows_its_checkout() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let open = shop.open(buyer).await.unwrap();
    let refunded = shop.open(buyer).await.unwrap();
    refund(&shop, &refunded).await;
    shop.stripe.pay(&session_id(&open)).await;
    let (kept, owed) = (format!("{}/late", open.id), format!("{}/late", refunded.id));
    shop.peers.leave_behind(&kept);
    shop.peers.leave_behind(&owed);
    let _replica = run(shop.replica(AWAKE)).await;
    released(&shop, &owed).await;
    assert_eq!(shop.peers.hold(&kept), Some(HoldState::Held));
}

#[tokio::test]
async fn stock_that_is_owed_is_given_back_by_the_sweeper() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open(buyer).await.unwrap();
    shop.peers.world().failing_releases = 2;
    shop.cancel(buyer, &checkout.id).await.unwrap();
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Held));
    let _replica = run(shop.replica(AWAKE)).await;
    released(&shop, &checkout.id).await;
    let is_of_it = |release: &&ReleaseHoldRequest| release.hold_id == checkout.id;
    let asked = shop.peers.world().releases.iter().filter(is_of_it).count();
    for _ in 0..2 {
        let next_round = ObjectId::new().to_hex();
        shop.peers.leave_behind(&next_round);
        released(&shop, &next_round).await;
    }
    let asked_again = shop.peers.world().releases.iter().filter(is_of_it).count();
    assert_eq!(asked_again, asked, "once is enough");
}
