//! With a state file, a restart loses nothing.

use std::path::Path;

use crate::support::receiver::Receiver;
use crate::support::usage::{Checkout, open_checkout, refund_all};
use crate::support::{quick_config, start};
use reen_sims::stripe::{Config, StripeSim};
use stripe_checkout::CheckoutSessionPaymentStatus;
use stripe_checkout::checkout_session::RetrieveCheckoutSession;
use stripe_core::refund::RetrieveRefund;

fn config(state_file: &Path) -> Config {
    Config {
        state_file: Some(state_file.to_owned()),
        ..quick_config()
    }
}

#[tokio::test]
async fn payments_refunds_keys_and_undelivered_events_survive() {
    let folder = tempfile::tempdir().unwrap();
    let state_file = folder.path().join("stripe.jsonl");
    let checkout = Checkout::sample("checkout-1");

    let sim = start(config(&state_file)).await;
    let session = open_checkout(&sim.client, &checkout).await.unwrap();
    let intent = sim.pay(&session.id).await;
    let refund = refund_all(&sim.client, &intent, "saga-1").await.unwrap();
    sim.stop().await;

    let sim = start(config(&state_file)).await;
    let found = RetrieveCheckoutSession::new(session.id.as_str())
        .send(&sim.client)
        .await
        .unwrap();
    assert_eq!(found.payment_status, CheckoutSessionPaymentStatus::Paid);
    let found = RetrieveRefund::new(refund.id.as_str())
        .send(&sim.client)
        .await
        .unwrap();
    assert_eq!(found.amount, 2_500);
    assert_eq!(
        open_checkout(&sim.client, &checkout).await.unwrap().id,
        session.id
    );
    assert_eq!(
        refund_all(&sim.client, &intent, "saga-1").await.unwrap().id,
        refund.id
    );

    let receiver = Receiver::start(&[]).await;
    sim.handle.set_webhook_url(&receiver.url).unwrap();
    receiver.events(3).await;
    sim.stop().await;
}

#[tokio::test]
async fn a_delivered_event_is_not_sent_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let state_file = folder.path().join("stripe.jsonl");
    let before = Receiver::start(&[]).await;
    let sim = start(config(&state_file)).await;
    sim.handle.set_webhook_url(&before.url).unwrap();
    let first = sim.open_session().await;
    sim.pay(&first.id).await;
    before.events(2).await;
    crate::support::wait_for("the record of both deliveries", || async {
        let events = sim.look("/sim/events").await;
        let delivered = |event: &serde_json::Value| event["delivered"] == true;
        events
            .as_array()
            .unwrap()
            .iter()
            .all(delivered)
            .then_some(())
    })
    .await;
    sim.stop().await;

    let after = Receiver::start(&[]).await;
    let sim = start(config(&state_file)).await;
    sim.handle.set_webhook_url(&after.url).unwrap();
    let second = open_checkout(&sim.client, &Checkout::sample("checkout-2"))
        .await
        .unwrap();
    sim.pay(&second.id).await;
    after.events(2).await;
    let path = format!("/sim/events?session={}", first.id);
    let events = sim.look(&path).await;
    let attempts = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["attempts"]);
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 1]);
    sim.stop().await;
}

#[tokio::test]
async fn a_taken_port_and_an_unwritable_state_file_are_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut on_taken_port = quick_config();
    on_taken_port.port = taken.local_addr().unwrap().port();
    let error = StripeSim::build(on_taken_port).await.unwrap_err();
    assert!(
        format!("{error:#}").contains("listening on 127.0.0.1:"),
        "{error:#}"
    );

    let folder = tempfile::tempdir().unwrap();
    let error = StripeSim::build(config(folder.path())).await.unwrap_err();
    assert!(format!("{error:#}").contains("the state file"), "{error:#}");
}

#[tokio::test]
async fn it_is_ready_and_stops_while_an_event_waits() {
    let sim = start(quick_config()).await;
    assert_eq!(sim.look("/health/ready").await["status"], "ready");
    let session = sim.open_session().await;
    sim.pay(&session.id).await;
    sim.stop().await;
}
