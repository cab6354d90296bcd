//! Whatever is lost on the way to the broker comes back by itself, and readiness says so meanwhile.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use reen_chassis::admin::Dependency as _;
use reen_messaging::{Broker, Error};
use reen_testkit::{FaultProxy, TestBroker, eventually};
use secrecy::SecretString;

use support::{Management, Notes, Running, WORK, message, numbered};

/// Longer than a publish waits for its confirm, and for being slow.
const BOUNDED: Duration = Duration::from_secs(8);

struct Proxied {
    proxy: FaultProxy,
    running: Running,
}

impl Proxied {
    async fn with(notes: &Arc<Notes>) -> Self {
        let vhost = TestBroker::fresh().await;
        let proxy = FaultProxy::to(vhost.url_text()).await;
        let url = SecretString::from(proxy.through(vhost.url_text()));
        let broker = Broker::open(&url, "test").await.unwrap();
        let running = Running::over(broker, vhost, notes).await;
        Self { proxy, running }
    }
}

async fn is_ready(broker: &Broker) {
    eventually("readiness", async || broker.check().await.ok()).await;
}

async fn is_not_ready(broker: &Broker) {
    eventually("no readiness", async || broker.check().await.err()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_connections_come_back_and_nothing_is_lost() {
    let notes = Notes::telling([]);
    let running = Running::with(&notes).await;
    let sagas = numbered(600);
    for (round, part) in sagas.chunks(200).enumerate() {
        let publishing = join_all(part.iter().map(|saga| running.publish(saga)));
        let closing = running.management.close_connections();
        let (_, closed) = tokio::join!(publishing, closing);
        assert!(closed > 0, "round {round}");
    }
    notes.see_all(&sagas).await;
    is_ready(&running.broker).await;
    running.depth_is("work", 0).await;
    running.depth_is("work.dead", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_line_fails_in_bounded_time_and_comes_back() {
    let notes = Notes::telling([]);
    let Proxied { proxy, running } = Proxied::with(&notes).await;
    running.publish("before").await;
    proxy.cut();
    is_not_ready(&running.broker).await;
    let began = Instant::now();
    let meanwhile = running.publisher.publish(&message("meanwhile")).await;
    assert!(meanwhile.is_err());
    assert!(began.elapsed() < BOUNDED, "{:?}", began.elapsed());
    proxy.restore();
    // Waits for the connection by itself.
    running.publish("after").await;
    is_ready(&running.broker).await;
    notes
        .see_all(&["before".to_owned(), "after".to_owned()])
        .await;
    running.depth_is("work", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_again_and_again_loses_nothing() {
    let notes = Notes::telling([]);
    let Proxied { proxy, running } = Proxied::with(&notes).await;
    let sagas = numbered(300);
    let publishing = async {
        for saga in &sagas {
            let message = message(saga);
            eventually("a confirm", async || {
                running.publisher.publish(&message).await.ok()
            })
            .await;
        }
    };
    let cutting = async {
        for half in 1..=6 {
            let seen = half * 40;
            notes.see(seen).await;
            proxy.cut();
            is_not_ready(&running.broker).await;
            proxy.restore();
        }
    };
    tokio::join!(publishing, cutting);
    notes.see_all(&sagas).await;
    is_ready(&running.broker).await;
    running.depth_is("work", 0).await;
    running.depth_is("work.dead", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_hangs_is_given_up() {
    let notes = Notes::telling([]);
    let Proxied { proxy, running } = Proxied::with(&notes).await;
    proxy.cut();
    is_not_ready(&running.broker).await;
    proxy.restore();
    proxy.delay(Duration::from_secs(600));
    let began = Instant::now();
    assert!(running.publisher.publish(&message("a")).await.is_err());
    assert!(began.elapsed() < BOUNDED, "{:?}", began.elapsed());
    proxy.restore();
    is_ready(&running.broker).await;
    running.publish("b").await;
    notes.see_all(&["b".to_owned()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_the_broker_closes_is_replaced() {
    let notes = Notes::telling([]);
    let running = Running::with(&notes).await;
    running.publish("before").await;
    notes.see(1).await;
    // Publishing to an exchange that is not there closes the channel.
    running.management.delete_exchange("reen.work").await;
    let sagas = numbered(50);
    join_all(sagas.iter().map(|saga| running.publish(saga))).await;
    notes.see_all(&sagas).await;
    assert!(running.broker.check().await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_queue_is_made_again_for_publisher_and_consumer() {
    let notes = Notes::telling([]);
    let running = Running::with(&notes).await;
    running.publish("before").await;
    notes.see(1).await;
    running.depth_is("work", 0).await;
    running.management.delete_queue("work").await;
    running.publish("after").await;
    notes.see_all(&["after".to_owned()]).await;
    running.depth_is("work", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_broker_is_not_ready_and_refuses_at_once() {
    let running = Running::with(&Notes::telling([])).await;
    running.broker.close().await;
    assert!(running.broker.check().await.is_err());
    let began = Instant::now();
    assert!(running.publisher.publish(&message("a")).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_other_settings_is_told_at_once_by_its_name() {
    let vhost = TestBroker::fresh().await;
    Management::of(&vhost).make_queue("work.dead").await;
    let url = SecretString::from(vhost.url_text());
    let broker = Broker::open(&url, "test").await.unwrap();
    let refusal = broker.publisher(WORK).await.err().unwrap();
    assert!(matches!(refusal, Error::QueueDiffers(name) if name == "work.dead"));
}

#[tokio::test]
async fn a_malformed_url_is_told_at_once() {
    let url = SecretString::from("nonsense");
    let began = Instant::now();
    assert!(Broker::open(&url, "test").await.is_err());
    assert!(began.elapsed() < Duration::from_secs(1));
}
