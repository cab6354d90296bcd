//! Injected faults: what a caller must survive, and that the stand-in behaves
//! as Stripe would around them.

use std::time::Duration;

use crate::support::usage::{is_unknown, refund_all, refusal};
use crate::support::{Running, quick_config, start, wait_for};
use serde_json::{Value, json};
use stripe::{ApiErrorsCode, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_core::Refund;
use stripe_core::refund::CreateRefund;

async fn paid(sim: &Running) -> String {
    let session = sim.open_session().await;
    sim.pay(&session.id).await
}

async fn inject(sim: &Running, fault: Value) {
    let (status, answer) = sim.control("/sim/faults", fault).await;
    assert_eq!(status, 204, "{answer}");
}

/// One attempt with the key `refund-1`.
async fn refund_once(
    sim: &Running,
    intent: &str,
    timeout: Duration,
) -> Result<Refund, StripeError> {
    let key = IdempotencyKey::new("refund-1").unwrap();
    CreateRefund::new()
        .payment_intent(intent)
        .customize()
        .request_strategy(RequestStrategy::Idempotent(key))
        .timeout(timeout)
        .send(&sim.client)
        .await
}

async fn refund_count(sim: &Running) -> usize {
    sim.look("/sim/refunds").await.as_array().unwrap().len()
}

const LONG: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_failure_before_the_effect_has_none() {
    let sim = start(quick_config()).await;
    let intent = paid(&sim).await;
    inject(&sim, json!({"path": "/v1/refunds", "status": 500})).await;
    let error = refund_once(&sim, &intent, LONG).await.unwrap_err();
    assert!(is_unknown(&error));
    assert_eq!(refund_count(&sim).await, 0);
    refund_once(&sim, &intent, LONG).await.unwrap();
    assert_eq!(refund_count(&sim).await, 1);
    sim.stop().await;
}

#[tokio::test]
async fn a_failure_after_the_effect_is_cleared_up_by_the_same_key() {
    let sim = start(quick_config()).await;
    let intent = paid(&sim).await;
    inject(
        &sim,
        json!({"path": "/v1/refunds", "times": 2, "status": 503, "after_effect": true}),
    )
    .await;
    let error = refund_once(&sim, &intent, LONG).await.unwrap_err();
    assert_eq!(refusal(&error), Some((None, 503)));
    assert_eq!(
        refund_count(&sim).await,
        1,
        "executed, but the caller does not know"
    );

    let another_key = CreateRefund::new()
        .payment_intent(&intent)
        .send(&sim.client)
        .await;
    assert!(another_key.is_err());
    let refund = refund_once(&sim, &intent, LONG).await.unwrap();
    assert_eq!(refund.amount, 2_500);
    assert_eq!(refund_count(&sim).await, 1);
    sim.stop().await;
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_stop_what_it_began() {
    let sim = start(quick_config()).await;
    let intent = paid(&sim).await;
    inject(&sim, json!({"path": "/v1/refunds", "hang_ms": 2_000})).await;
    let gave_up = refund_once(&sim, &intent, Duration::from_millis(50))
        .await
        .unwrap_err();
    assert!(matches!(gave_up, StripeError::Timeout));

    let in_use = refund_once(&sim, &intent, LONG).await.unwrap_err();
    assert_eq!(
        refusal(&in_use),
        Some((Some(ApiErrorsCode::IdempotencyKeyInUse), 409))
    );
    assert_eq!(refund_count(&sim).await, 0);

    wait_for("the late effect", || async {
        (refund_count(&sim).await == 1).then_some(())
    })
    .await;
    refund_once(&sim, &intent, LONG).await.unwrap();
    assert_eq!(refund_count(&sim).await, 1);
    sim.stop().await;
}

#[tokio::test]
async fn the_way_that_services_call_survives_all_of_it() {
    let sim = start(quick_config()).await;
    let intent = paid(&sim).await;
    inject(&sim, json!({"path": "/v1/refunds", "status": 500})).await;
    inject(
        &sim,
        json!({"path": "/v1/refunds", "status": 502, "after_effect": true}),
    )
    .await;
    inject(
        &sim,
        json!({"path": "/v1/refunds", "hang_ms": 20, "status": 429}),
    )
    .await;
    let refund = refund_all(&sim.client, &intent, "saga-1").await.unwrap();
    assert_eq!(refund.amount, 2_500);
    assert_eq!(refund_count(&sim).await, 1);
    sim.stop().await;
}

#[tokio::test]
async fn a_replayed_answer_says_so() {
    let sim = start(quick_config()).await;
    let intent = paid(&sim).await;
    let send = || async {
        sim.post("/v1/refunds")
            .bearer_auth(crate::support::SECRET_KEY)
            .header("idempotency-key", "refund-1")
            .form(&[("payment_intent", &intent)])
            .send()
            .await
            .unwrap()
    };
    let first = send().await;
    assert_eq!(first.headers().get("idempotent-replayed"), None);
    let request_id = first.headers()["request-id"].clone();
    let first = first.text().await.unwrap();
    let again = send().await;
    assert_eq!(again.headers()["idempotent-replayed"], "true");
    assert_eq!(again.headers()["original-request"], request_id);
    assert_eq!(again.text().await.unwrap(), first);
    sim.stop().await;
}

#[tokio::test]
async fn faults_can_be_cleared_and_must_make_sense() {
    let sim = start(quick_config()).await;
    let intent = paid(&sim).await;
    inject(
        &sim,
        json!({"path": "/v1/refunds", "times": 100, "status": 500}),
    )
    .await;
    let cleared = reqwest::Client::new()
        .delete(format!("{}/sim/faults", sim.base_url))
        .send()
        .await
        .unwrap();
    assert_eq!(cleared.status(), 204);
    refund_once(&sim, &intent, LONG).await.unwrap();
    for fault in [
        json!({}),
        json!({"path": "/v1/refunds"}),
        json!("x"),
        json!({"path": "/v1/refunds", "status": 500, "oops": 1}),
    ] {
        let (status, _) = sim.control("/sim/faults", fault.clone()).await;
        assert_eq!(status, 400, "{fault}");
    }
    sim.stop().await;
}
