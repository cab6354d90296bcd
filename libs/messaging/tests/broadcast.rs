//! News: heard by everybody who listens, missed by the others, and never in anybody's way.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reen_messaging::{Broker, Heard, Hearing, Message, Topic};
use reen_proto::events::v1::SagaDue;
use reen_testkit::{FaultProxy, TestBroker, eventually, in_background};
use secrecy::SecretString;
use tokio_util::sync::DropGuard;

const TOPIC: Topic = Topic { name: "news" };

/// Notes what it hears: the sagas, and nothing for a beginning.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<Option<String>>>>);

impl Ear {
    fn listening(broker: &Broker) -> (Self, DropGuard) {
        let ear = Self::default();
        let (broker, hearing) = (broker.clone(), ear.clone());
        let listening = |stop| async move { broker.listen(TOPIC, &hearing, stop).await };
        (ear, in_background(listening))
    }

    fn heard(&self) -> Vec<Option<String>> {
        self.0.lock().unwrap().clone()
    }

    async fn beginnings(&self, count: usize) {
        eventually(&format!("{count} beginnings"), async || {
            let heard = self.heard();
            let beginnings = heard.iter().filter(|heard| heard.is_none()).count();
            (beginnings >= count).then_some(())
        })
        .await;
    }

    async fn hears(&self, news: &str) {
        eventually(news, async || {
            self.heard().contains(&Some(news.to_owned())).then_some(())
        })
        .await;
    }
}

#[async_trait]
impl Hearing for Ear {
    async fn hear(&self, heard: Heard) {
        let heard = match heard {
            Heard::Beginning => None,
            Heard::News(news) => Some(news.decode::<SagaDue>().unwrap().saga_id),
        };
        self.0.lock().unwrap().push(heard);
    }
}

fn news(text: &str) -> Message {
    let saga_id = text.to_owned();
    Message::new(&SagaDue { saga_id })
}

#[tokio::test]
async fn everybody_who_listens_hears_everything_in_order() {
    let vhost = TestBroker::fresh().await;
    let (speaking, hearing) = (vhost.open().await, vhost.open().await);
    let announcer = speaking.announcer(TOPIC);
    announcer
        .announce(&news("nobody listens yet"))
        .await
        .unwrap();
    let (one, _one_listens) = Ear::listening(&speaking);
    let (other, _other_listens) = Ear::listening(&hearing);
    one.beginnings(1).await;
    other.beginnings(1).await;
    let texts: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    for text in &texts {
        announcer.announce(&news(text)).await.unwrap();
    }
    for ear in [one, other] {
        ear.hears("49").await;
        let heard: Vec<String> = ear.heard().into_iter().flatten().collect();
        assert_eq!(heard, texts);
        assert_eq!(ear.heard()[0], None, "the beginning comes first");
    }
}

#[tokio::test]
async fn who_may_have_missed_something_is_told_so() {
    let vhost = TestBroker::fresh().await;
    let proxy = FaultProxy::to(vhost.url_text()).await;
    let url = SecretString::from(proxy.through(vhost.url_text()));
    let hearing = Broker::open(&url, "test").await.unwrap();
    let speaking = vhost.open().await;
    let announcer = speaking.announcer(TOPIC);
    let (ear, _listens) = Ear::listening(&hearing);
    ear.beginnings(1).await;
    for round in 1..3 {
        proxy.cut();
        announcer.announce(&news("missed")).await.unwrap();
        proxy.restore();
        ear.beginnings(round + 1).await;
        let text = format!("after cut {round}");
        announcer.announce(&news(&text)).await.unwrap();
        ear.hears(&text).await;
    }
}

#[tokio::test]
async fn without_a_broker_news_are_lost_in_time_and_told_again_when_it_is_back() {
    let vhost = TestBroker::fresh().await;
    let proxy = FaultProxy::to(vhost.url_text()).await;
    proxy.cut();
    let url = SecretString::from(proxy.through(vhost.url_text()));
    let began = Instant::now();
    let speaking = Broker::start(&url, "test").unwrap();
    let announcer = speaking.announcer(TOPIC);
    assert!(announcer.announce(&news("lost")).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(5));
    proxy.restore();
    let hearing = vhost.open().await;
    let (ear, _listens) = Ear::listening(&hearing);
    ear.beginnings(1).await;
    eventually("news to be told", async || {
        announcer.announce(&news("told")).await.ok()
    })
    .await;
    ear.hears("told").await;
}
