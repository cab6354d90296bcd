//! Publishing and consuming on a real broker: nothing confirmed is lost, nothing poisonous stays.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reen_messaging::{Broker, Delivery, Handler, Message, Publisher, Queue, Verdict, consume};
use reen_proto::events::v1::SagaDue;
use reen_testkit::{TestBroker, eventually};
use tokio_util::sync::{CancellationToken, DropGuard};

const WORK: Queue = Queue { name: "work" };

/// Notes what it gets and answers as it was told, then `Done`.
#[derive(Default)]
struct Notes {
    seen: Mutex<Vec<(String, u32, bool)>>,
    verdicts: Mutex<VecDeque<Option<Verdict>>>,
}

impl Notes {
    fn telling(verdicts: impl IntoIterator<Item = Option<Verdict>>) -> Arc<Self> {
        let verdicts = Mutex::new(verdicts.into_iter().collect());
        Arc::new(Self {
            verdicts,
            ..Self::default()
        })
    }

    fn seen(&self) -> Vec<(String, u32, bool)> {
        self.seen.lock().unwrap().clone()
    }

    async fn see(&self, count: usize) -> Vec<(String, u32, bool)> {
        eventually(&format!("{count} deliveries"), async || {
            let seen = self.seen();
            (seen.len() >= count).then_some(seen)
        })
        .await
    }
}

#[async_trait]
impl Handler for Notes {
    async fn handle(&self, delivery: Delivery) -> Verdict {
        let due: SagaDue = delivery.decode().unwrap();
        let seen = (due.saga_id, delivery.attempt(), delivery.redelivered);
        self.seen.lock().unwrap().push(seen);
        let verdict = self.verdicts.lock().unwrap().pop_front();
        match verdict {
            Some(Some(verdict)) => verdict,
            Some(None) => panic!("as the test told it"),
            None => Verdict::Done,
        }
    }
}

struct Running {
    publisher: Publisher,
    broker: Broker,
    vhost: TestBroker,
    stop: DropGuard,
}

impl Running {
    async fn with(notes: &Arc<Notes>) -> Self {
        let vhost = TestBroker::fresh().await;
        let broker = vhost.open().await;
        let publisher = broker.publisher(WORK).await.unwrap();
        let stop = CancellationToken::new();
        let handler: Arc<dyn Handler> = Arc::clone(notes) as _;
        tokio::spawn(consume(broker.clone(), WORK, 8, handler, stop.clone()));
        Self {
            publisher,
            broker,
            vhost,
            stop: stop.drop_guard(),
        }
    }

    async fn publish(&self, saga_id: &str) {
        self.publisher.publish(&message(saga_id)).await.unwrap();
    }

    async fn depth_is(&self, queue: &str, depth: u64) {
        eventually(&format!("{depth} messages in {queue}"), async || {
            (self.vhost.depth(queue).await == depth).then_some(())
        })
        .await;
    }
}

fn message(saga_id: &str) -> Message {
    Message::new(&SagaDue {
        saga_id: saga_id.to_owned(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_worked_on_once_and_acknowledged() {
    let notes = Notes::telling([]);
    let running = Running::with(&notes).await;
    for each in ["a", "b", "c"] {
        running.publish(each).await;
    }
    let mut seen: Vec<_> = notes
        .see(3)
        .await
        .into_iter()
        .map(|(saga, ..)| saga)
        .collect();
    seen.sort();
    assert_eq!(seen, ["a", "b", "c"]);
    running.depth_is("work", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_comes_back_after_its_delay_with_its_count() {
    let delay = Duration::from_millis(500);
    let notes = Notes::telling([Some(Verdict::Later(delay))]);
    let running = Running::with(&notes).await;
    let published = Instant::now();
    running.publish("a").await;
    let seen = notes.see(2).await;
    assert!(
        published.elapsed() >= delay / 2,
        "jitter shortens by half at most"
    );
    let attempts: Vec<u32> = seen.iter().map(|(_, attempt, _)| *attempt).collect();
    assert_eq!(attempts, [0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_is_buried() {
    let notes = Notes::telling([Some(Verdict::Dead("poison".to_owned()))]);
    let running = Running::with(&notes).await;
    running.publish("a").await;
    running.depth_is("work.dead", 1).await;
    running.depth_is("work", 0).await;
    assert_eq!(notes.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_brings_the_message_back_and_ends_nothing_else() {
    let notes = Notes::telling([None]);
    let running = Running::with(&notes).await;
    running.publish("a").await;
    let seen = notes.see(2).await;
    assert!(
        !seen[0].2 && seen[1].2,
        "the second delivery says that it is one: {seen:?}"
    );
    running.depth_is("work", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_kills_every_consumer_is_buried_by_the_broker() {
    let notes = Notes::telling((0..30).map(|_| None));
    let running = Running::with(&notes).await;
    running.publish("a").await;
    running.depth_is("work.dead", 1).await;
    running.depth_is("work", 0).await;
    assert_eq!(notes.seen().len(), 21, "the first delivery and twenty more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_what_is_in_work_and_leaves_the_rest() {
    let notes = Notes::telling([]);
    let running = Running::with(&notes).await;
    running.publish("a").await;
    notes.see(1).await;
    running.depth_is("work", 0).await;
    drop(running.stop);
    let publisher = running.broker.publisher(WORK).await.unwrap();
    eventually("a message that nobody takes", async || {
        publisher.publish(&message("b")).await.unwrap();
        let waiting = running.vhost.depth("work").await;
        (waiting > 0).then_some(())
    })
    .await;
}
