//! Idempotency keys: one effect for each, and the same answer every time.

use std::collections::HashSet;

use crate::support::usage::{Checkout, open_checkout, refund_all, stripe_client};
use crate::support::{SECRET_KEY, quick_config, start};
use stripe::{ApiErrorsType, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_checkout::checkout_session::ListCheckoutSession;

#[tokio::test]
async fn a_repeated_key_is_answered_from_what_was_kept() {
    let sim = start(quick_config()).await;
    let checkout = Checkout::sample("checkout-1");
    let first = open_checkout(&sim.client, &checkout).await.unwrap();
    // A hash map is encoded in another order each time: parameters are
    // compared, not bytes.
    for _ in 0..10 {
        let again = open_checkout(&sim.client, &checkout).await.unwrap();
        assert_eq!(again.id, first.id);
    }

    let other = Checkout {
        user: "user-2".to_owned(),
        ..checkout
    };
    let conflict = open_checkout(&sim.client, &other).await;
    let Err(StripeError::Stripe(error, 400)) = conflict else {
        panic!("expected a conflict, not {conflict:?}");
    };
    assert_eq!(error.type_, ApiErrorsType::IdempotencyError);
    assert_eq!(sim.look("/sim/events").await, serde_json::json!([]));
    let listed = ListCheckoutSession::new().send(&sim.client).await.unwrap();
    assert_eq!(listed.data.len(), 1);
    sim.stop().await;
}

#[tokio::test]
async fn a_key_belongs_to_one_endpoint_and_one_account() {
    let sim = start(quick_config()).await;
    let send = |client: stripe::Client| async move {
        let key = IdempotencyKey::new("shared").unwrap();
        let request = Checkout::sample("checkout-1").request();
        request
            .customize()
            .request_strategy(RequestStrategy::Idempotent(key))
            .send(&client)
            .await
    };
    let mine = send(sim.client.clone()).await.unwrap();
    let other_account = stripe_client("sk_test_other", Some(&sim.base_url)).unwrap();
    let theirs = send(other_account).await.unwrap();
    assert_ne!(mine.id, theirs.id);

    let other_endpoint = sim
        .post("/v1/refunds")
        .bearer_auth(SECRET_KEY)
        .header("idempotency-key", "shared")
        .form(&[("payment_intent", "pi_1")])
        .send()
        .await
        .unwrap();
    assert_eq!(other_endpoint.status(), 400);
    assert!(
        other_endpoint
            .text()
            .await
            .unwrap()
            .contains("same endpoint")
    );
    sim.stop().await;
}

#[tokio::test]
async fn a_key_keeps_what_was_executed_and_not_what_was_malformed() {
    let sim = start(quick_config()).await;
    let session = sim.open_session().await;
    let intent = sim.pay(&session.id).await;
    refund_all(&sim.client, &intent, "saga-1").await.unwrap();
    let send = |form: String| {
        sim.post("/v1/refunds")
            .bearer_auth(SECRET_KEY)
            .header("idempotency-key", "late")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
    };
    let is_replay =
        |answer: &reqwest::Response| answer.headers().contains_key("idempotent-replayed");

    let malformed = send(format!("payment_intent={intent}&amount=-1"))
        .await
        .unwrap();
    assert_eq!(malformed.status(), 400);
    let refused = send(format!("payment_intent={intent}")).await.unwrap();
    assert!(
        !is_replay(&refused),
        "the malformed request did not use the key up"
    );
    let refused_again = send(format!("payment_intent={intent}")).await.unwrap();
    assert!(is_replay(&refused_again));
    assert_eq!(
        refused.text().await.unwrap(),
        refused_again.text().await.unwrap()
    );
    sim.stop().await;
}

#[tokio::test]
async fn simultaneous_requests_with_one_key_have_one_effect() {
    let sim = start(quick_config()).await;
    let checkout = std::sync::Arc::new(Checkout::sample("checkout-1"));
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (client, checkout) = (sim.client.clone(), checkout.clone());
        requests.spawn(async move { open_checkout(&client, &checkout).await.unwrap().id });
    }
    let ids: HashSet<_> = requests.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), 1);
    sim.stop().await;
}
