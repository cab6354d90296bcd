//! Webhooks: signed so that the client accepts them, retried until accepted,
//! never in the way of an answer.

use std::collections::HashSet;
use std::time::Duration;

use crate::support::receiver::Receiver;
use crate::support::usage::{Checkout, open_checkout, refund_all};
use crate::support::{SIGNING_SECRET, quick_config, start, start_with_receiver, wait_for};
use reen_sims::stripe::API_VERSION;
use serde_json::json;
use stripe_checkout::CheckoutSessionPaymentStatus;
use stripe_checkout::checkout_session::ExpireCheckoutSession;
use stripe_webhook::{Event, EventObject, Webhook, WebhookError};

#[tokio::test]
async fn a_payment_is_told_with_signed_events() {
    let (sim, receiver) = start_with_receiver().await;
    let session = sim.open_session().await;
    let path = format!("/sim/sessions/{}/pay", session.id);
    let (_, paid) = sim
        .control(&path, json!({"card": "4242 4242 4242 4242"}))
        .await;

    let events = receiver.events(2).await;
    let completed = find(&events, |object| {
        matches!(object, EventObject::CheckoutSessionCompleted(_))
    });
    assert_eq!(completed.id.as_str(), paid["eventId"]);
    let EventObject::CheckoutSessionCompleted(object) = &completed.data.object else {
        unreachable!()
    };
    assert_eq!(object.id.as_str(), session.id);
    assert_eq!(object.payment_status, CheckoutSessionPaymentStatus::Paid);
    assert_eq!(
        object.metadata.as_ref().unwrap()["checkout_id"],
        "checkout-1"
    );
    assert_eq!(
        object.payment_intent.as_ref().unwrap().id().as_str(),
        paid["paymentIntent"]
    );
    let succeeded = find(&events, |object| {
        matches!(object, EventObject::PaymentIntentSucceeded(_))
    });
    assert_eq!(
        succeeded.api_version.as_ref().unwrap().as_str(),
        API_VERSION
    );
    sim.stop().await;
}

#[tokio::test]
async fn a_forged_or_changed_webhook_is_told_from_a_true_one() {
    let (sim, receiver) = start_with_receiver().await;
    let session = sim.open_session().await;
    sim.pay(&session.id).await;
    receiver.events(1).await;
    let (body, signature) = receiver.received().remove(0);
    let wrong_secret = Webhook::construct_event(&body, &signature, "whsec_other");
    assert!(matches!(wrong_secret, Err(WebhookError::BadSignature)));
    let changed = body.replace("evt_", "evt-");
    let changed = Webhook::construct_event(&changed, &signature, SIGNING_SECRET);
    assert!(matches!(changed, Err(WebhookError::BadSignature)));
    sim.stop().await;
}

#[tokio::test]
async fn a_decline_a_refund_and_an_expiry_are_told() {
    let (sim, receiver) = start_with_receiver().await;
    let session = sim.open_session().await;
    let pay = format!("/sim/sessions/{}/pay", session.id);
    sim.control(&pay, json!({"card": "4000000000000002"})).await;
    let intent = sim.pay(&session.id).await;
    refund_all(&sim.client, &intent, "saga-1").await.unwrap();
    let other = open_checkout(&sim.client, &Checkout::sample("checkout-2"))
        .await
        .unwrap();
    ExpireCheckoutSession::new(other.id.as_str())
        .send(&sim.client)
        .await
        .unwrap();

    let events = receiver.events(5).await;
    let expected = [
        "charge.refunded",
        "checkout.session.completed",
        "checkout.session.expired",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
    ];
    assert_eq!(kinds(&events), expected);
    let refunded = find(&events, |object| {
        matches!(object, EventObject::ChargeRefunded(_))
    });
    let EventObject::ChargeRefunded(charge) = &refunded.data.object else {
        unreachable!()
    };
    assert!(charge.refunded);
    assert_eq!(charge.amount_refunded, 2_500);
    let request = refunded.request.as_ref().unwrap();
    assert_eq!(request.idempotency_key.as_deref(), Some("refund:saga-1"));
    sim.stop().await;
}

#[tokio::test]
async fn a_delayed_payment_is_told_twice() {
    for (end, session_event, payment_event) in [
        (
            "async-succeed",
            "checkout.session.async_payment_succeeded",
            "payment_intent.succeeded",
        ),
        (
            "async-fail",
            "checkout.session.async_payment_failed",
            "payment_intent.payment_failed",
        ),
    ] {
        let (sim, receiver) = start_with_receiver().await;
        let session = sim.open_session().await;
        let path = format!("/sim/sessions/{}", session.id);
        let body = json!({"card": "4242424242424242", "async": true});
        let (status, paid) = sim.control(&format!("{path}/pay"), body).await;
        assert_eq!((status, &paid["paymentStatus"]), (200, &json!("unpaid")));
        let settle = format!("{path}/{end}");
        assert_eq!(sim.control(&settle, json!({})).await.0, 200);
        assert_eq!(sim.control(&settle, json!({})).await.0, 409, "only once");

        let mut expected = ["checkout.session.completed", session_event, payment_event];
        expected.sort_unstable();
        assert_eq!(kinds(&receiver.events(3).await), expected);
        sim.stop().await;
    }
}

#[tokio::test]
async fn an_event_is_sent_until_it_is_accepted() {
    let receiver = Receiver::start(&[500, 503, 302]).await;
    let mut config = quick_config();
    config.webhook_url = Some(receiver.url.parse().unwrap());
    let sim = start(config).await;
    let session = sim.open_session().await;
    ExpireCheckoutSession::new(session.id.as_str())
        .send(&sim.client)
        .await
        .unwrap();

    let event = wait_for("a delivery", || async {
        sim.events("checkout.session.expired")
            .await
            .pop()
            .filter(|event| event["delivered"] == true)
    })
    .await;
    let statuses: Vec<_> = event["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|delivery| &delivery["status"])
        .collect();
    assert_eq!(statuses, [500, 503, 302, 200]);
    let events = receiver.events(4).await;
    let ids: HashSet<_> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids.len(), 1);
    sim.stop().await;
}

#[tokio::test]
async fn an_event_waits_for_its_receiver() {
    let sim = start(quick_config()).await;
    let session = sim.open_session().await;
    sim.pay(&session.id).await;
    assert_eq!(
        sim.events("checkout.session.completed").await[0]["deliveries"],
        json!([])
    );
    let receiver = Receiver::start(&[]).await;
    sim.handle.set_webhook_url(&receiver.url).unwrap();
    receiver.events(2).await;
    sim.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_away_is_tried_again_at_its_new_place() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = quick_config();
    config.webhook_url = Some(
        format!("http://{}", nobody.local_addr().unwrap())
            .parse()
            .unwrap(),
    );
    drop(nobody);
    let sim = start(config).await;
    let session = sim.open_session().await;
    sim.pay(&session.id).await;
    wait_for("a failed attempt", || async {
        let event = sim.events("checkout.session.completed").await.pop()?;
        event["deliveries"][0]["error"].as_str().map(str::to_owned)
    })
    .await;
    let receiver = Receiver::start(&[]).await;
    sim.handle.set_webhook_url(&receiver.url).unwrap();
    receiver.events(2).await;
    sim.stop().await;
}

#[tokio::test]
async fn an_event_is_abandoned_when_its_schedule_runs_out() {
    let receiver = Receiver::start(&[500; 1_000]).await;
    let mut config = quick_config();
    config.webhook_url = Some(receiver.url.parse().unwrap());
    config.retry.give_up = Duration::from_millis(100);
    let sim = start(config).await;
    let session = sim.open_session().await;
    ExpireCheckoutSession::new(session.id.as_str())
        .send(&sim.client)
        .await
        .unwrap();
    let event = wait_for("the end of the schedule", || async {
        sim.events("checkout.session.expired")
            .await
            .pop()
            .filter(|event| event["abandoned"] == true)
    })
    .await;
    assert_eq!(event["delivered"], false);
    assert!(event["attempts"].as_u64().unwrap() >= 2);
    sim.stop().await;
}

#[tokio::test]
async fn an_event_can_be_sent_again_at_will() {
    let (sim, receiver) = start_with_receiver().await;
    let session = sim.open_session().await;
    ExpireCheckoutSession::new(session.id.as_str())
        .send(&sim.client)
        .await
        .unwrap();
    receiver.events(1).await;
    let event = sim.events("checkout.session.expired").await.remove(0);
    let id = event["id"].as_str().unwrap();

    let path = format!("/sim/events/{id}/resend?times=4&concurrent=true");
    let (status, answer) = sim.control(&path, json!({})).await;
    assert_eq!(status, 200);
    assert_eq!(answer["deliveries"].as_array().unwrap().len(), 4);
    let received = receiver.received();
    assert_eq!(received.len(), 5);
    let bodies: HashSet<_> = received.iter().map(|(body, _)| body).collect();
    assert_eq!(bodies.len(), 1, "every time the same bytes");

    for path in [
        "/sim/events/evt_none/resend",
        "/sim/events/x/resend?times=101",
    ] {
        let (status, _) = sim.control(path, json!({})).await;
        assert!(matches!(status, 400 | 404), "{path}");
    }
    sim.stop().await;
}

#[tokio::test]
async fn a_session_expires_by_itself() {
    let receiver = Receiver::start(&[]).await;
    let mut config = quick_config();
    config.webhook_url = Some(receiver.url.parse().unwrap());
    config.minimum_session_life = Duration::ZERO;
    let sim = start(config).await;
    let mut checkout = Checkout::sample("checkout-1");
    checkout.expires_at = chrono::Utc::now().timestamp() + 2;
    let session = open_checkout(&sim.client, &checkout).await.unwrap();
    let events = receiver.events(1).await;
    let EventObject::CheckoutSessionExpired(expired) = &events[0].data.object else {
        panic!("unexpected event {:?}", events[0].type_);
    };
    assert_eq!(expired.id.as_str(), session.id);
    sim.stop().await;
}

/// Sorted: the order of events is not guaranteed.
fn kinds(events: &[Event]) -> Vec<&str> {
    let mut kinds: Vec<_> = events.iter().map(|event| event.type_.as_str()).collect();
    kinds.sort_unstable();
    kinds
}

fn find(events: &[Event], is_it: impl Fn(&EventObject) -> bool) -> &Event {
    events
        .iter()
        .find(|event| is_it(&event.data.object))
        .expect("the event was sent")
}

#[tokio::test]
async fn refunds_in_the_dashboard_are_told_with_what_went_back_so_far() {
    let (sim, receiver) = start_with_receiver().await;
    let session = sim.open_session().await;
    let path = format!("/sim/sessions/{}/refund", session.id);
    assert_eq!(
        sim.control(&path, json!({})).await.0,
        409,
        "nothing was paid"
    );
    let intent = sim.pay(&session.id).await;
    let (status, first) = sim.control(&path, json!({"amount": 700})).await;
    assert_eq!((status, &first["amount"]), (200, &json!(700)), "{first}");
    assert_eq!(
        (&first["payment_intent"], &first["metadata"]),
        (&json!(intent), &json!({}))
    );
    assert_eq!(sim.control(&path, json!({"amount": 1_801})).await.0, 400);
    assert_eq!(sim.control(&path, json!({"amount": 0})).await.0, 400);
    let (_, rest) = sim.control(&path, json!({})).await;
    assert_eq!(rest["amount"], 1_800);
    assert_eq!(
        sim.control(&path, json!({})).await.0,
        400,
        "nothing is left"
    );

    let events = receiver.events(4).await;
    let mut told: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.data.object {
            EventObject::ChargeRefunded(charge) => Some((charge.amount_refunded, charge.refunded)),
            _ => None,
        })
        .collect();
    told.sort_unstable();
    assert_eq!(told, [(700, false), (2_500, true)]);
    sim.stop().await;
}
