//! Events of Stripe: stored before they are answered, or not answered with 200.

use std::time::{SystemTime, UNIX_EPOCH};

use reen_messaging::Delivery;
use reen_proto::events::v1::WebhookReceived;
use serde_json::json;
use stripe_webhook::Webhook;

use crate::support::{Answer, Gateway, WEBHOOK_SECRET, send};

const PATH: &str = "/webhooks/stripe";
const BODY: &str =
    r#"{ "id":"evt_1",  "type":"checkout.session.completed","data":{"object":{"é":1}} }"#;

async fn send_signed(gateway: &Gateway, body: impl Into<reqwest::Body>, signature: &str) -> Answer {
    send(
        gateway
            .post(PATH)
            .header("stripe-signature", signature)
            .body(body),
    )
    .await
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

#[tokio::test]
async fn an_event_is_in_the_queue_when_it_is_answered() {
    let gateway = Gateway::start().await;
    let answer = gateway.send_event(BODY).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (200, json!({"received": true}))
    );
    let event = gateway
        .next_message(Delivery::decode::<WebhookReceived>)
        .await;
    assert_eq!(event.provider, "stripe");
    assert_eq!(event.event_id, "evt_1");
    assert_eq!(event.event_type, "checkout.session.completed");
    assert_eq!(event.body, BODY.as_bytes(), "byte for byte");
    assert!(event.received_at.is_some());
}

#[tokio::test]
async fn what_stripe_did_not_sign_is_refused() {
    let gateway = Gateway::start().await;
    let sign = |secret: &str, at: i64| Webhook::generate_test_header(BODY, secret, Some(at));
    for signature in [
        sign("whsec_of_somebody_else", now()),
        sign(WEBHOOK_SECRET, now() - 400),
        sign(WEBHOOK_SECRET, now() + 400),
        sign(WEBHOOK_SECRET, now()).replace("v1=", "v0="),
        "t=1".to_owned(),
        String::new(),
    ] {
        let answer = send_signed(&gateway, BODY, &signature).await;
        assert_eq!(
            answer.problem(),
            (400, "bad_signature".to_owned()),
            "{signature}"
        );
    }
    let changed = BODY.replace("evt_1", "evt_2");
    let answer = send_signed(&gateway, changed, &sign(WEBHOOK_SECRET, now())).await;
    assert_eq!(answer.problem().0, 400);
    let bare = send(gateway.post(PATH).body(BODY)).await;
    assert_eq!(bare.problem(), (400, "bad_signature".to_owned()));
}

#[tokio::test]
async fn a_signed_body_must_be_an_event_and_not_too_long() {
    let gateway = Gateway::start().await;
    for body in [
        "",
        "x",
        "[]",
        "1",
        "{}",
        r#"{"id":"evt_1"}"#,
        r#"{"id":1,"type":"a"}"#,
        r#"{"id":"a","type":null}"#,
    ] {
        let answer = gateway.send_event(body).await;
        assert_eq!(
            answer.problem(),
            (400, "malformed_body".to_owned()),
            "{body}"
        );
    }
    let long = " ".repeat(512 * 1024 + 1);
    assert_eq!(
        gateway.send_event(&long).await.problem(),
        (413, "body_too_large".to_owned())
    );
}

#[tokio::test]
async fn types_without_a_use_are_answered_and_forgotten() {
    let gateway = Gateway::start().await;
    let unused = json!({"id": "evt_0", "type": "invoice.paid", "data": {}}).to_string();
    assert_eq!(gateway.send_event(&unused).await.status, 200);
    let incomplete = json!({"id": "evt_1", "type": "charge.refunded"}).to_string();
    assert_eq!(
        gateway.send_event(&incomplete).await.status,
        200,
        "the rest is the saga's matter"
    );
    let event = gateway
        .next_message(Delivery::decode::<WebhookReceived>)
        .await;
    assert_eq!(
        event.event_id, "evt_1",
        "the unused one is not in the queue"
    );
    assert_eq!(gateway.depth().await, 0);
}
