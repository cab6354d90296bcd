//! A buyer who does not want it any more.

use bson::oid::ObjectId;
use reen_error::Code;
use reen_proto::checkout::v1::Status;
use serde_json::json;

use crate::support::Shop;
use crate::support::peers::HoldState;
use crate::support::stripe::session_id;

const EXPIRE: &str = "/v1/checkout/sessions/*/expire";

#[tokio::test]
async fn canceling_closes_the_page_and_gives_the_stock_back() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open(buyer).await.unwrap();
    for _ in 0..2 {
        let canceled = shop.cancel(buyer, &checkout.id).await.unwrap();
        assert_eq!(canceled.status(), Status::Canceled);
        assert_eq!(canceled.stripe_session_url, "");
    }
    let session = shop.stripe.session(&session_id(&checkout)).await;
    assert_eq!(session["status"], "expired");
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Released));
    assert_eq!(shop.peers.world().releases.len(), 1);
}

#[tokio::test]
async fn nobody_cancels_for_somebody_else() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open(buyer).await.unwrap();
    let refused = shop.cancel(ObjectId::new(), &checkout.id).await;
    assert_eq!(refused.unwrap_err().code, Code::NotFound);
    let session = shop.stripe.session(&session_id(&checkout)).await;
    assert_eq!(session["status"], "open");
}

#[tokio::test]
async fn what_was_paid_a_moment_ago_is_not_canceled() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open(buyer).await.unwrap();
    shop.stripe.pay(&session_id(&checkout)).await;
    let refused = shop.cancel(buyer, &checkout.id).await.unwrap_err();
    assert_eq!(refused.code, Code::CheckoutClosed);
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Held));
    let unchanged = shop.get(buyer, &checkout.id).await.unwrap();
    assert_eq!(
        unchanged.status(),
        Status::Open,
        "the saga tells of the payment"
    );
}

#[tokio::test]
async fn a_lost_answer_does_not_keep_a_checkout_open() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open(buyer).await.unwrap();
    let fault = json!({"path": EXPIRE, "status": 500, "after_effect": true});
    shop.stripe.suffer(fault).await;
    let canceled = shop.cancel(buyer, &checkout.id).await.unwrap();
    assert_eq!(canceled.status(), Status::Canceled);
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Released));
}

#[tokio::test]
async fn without_stripe_a_checkout_stays_open() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open(buyer).await.unwrap();
    shop.stripe.be_away("/*/expire").await;
    let refused = shop.cancel(buyer, &checkout.id).await.unwrap_err();
    assert_eq!(refused.code, Code::Unavailable);
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Held));
    shop.stripe.recover().await;
    let canceled = shop.cancel(buyer, &checkout.id).await.unwrap();
    assert_eq!(canceled.status(), Status::Canceled);
}

#[tokio::test]
async fn stock_that_cannot_be_given_back_now_is_owed() {
    let shop = Shop::start().await;
    let buyer = ObjectId::new();
    let checkout = shop.open(buyer).await.unwrap();
    shop.peers.world().failing_releases = 1;
    let canceled = shop.cancel(buyer, &checkout.id).await.unwrap();
    assert_eq!(canceled.status(), Status::Canceled);
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Held));
    shop.cancel(buyer, &checkout.id).await.unwrap();
    assert_eq!(shop.peers.hold(&checkout.id), Some(HoldState::Released));
}
