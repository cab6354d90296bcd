//! What the tests of this crate share.
#![allow(dead_code, reason = "each test file uses its part")]
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

mod management;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use reen_messaging::{
    Broker, Delivery, Error, Handler, Message, Publisher, Queue, Verdict, consume,
};
use reen_proto::events::v1::SagaDue;
use reen_testkit::{TestBroker, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use management::Management;

pub(crate) const WORK: Queue = Queue { name: "work" };
const PREFETCH: u16 = 8;

/// What a handler saw of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) saga_id: String,
    pub(crate) message_id: String,
    pub(crate) attempt: u32,
    pub(crate) redelivered: bool,
}

/// Notes what it gets and answers as it was told, then `Done`; told `None`, it panics.
#[derive(Default)]
pub(crate) struct Notes {
    seen: Mutex<Vec<Seen>>,
    verdicts: Mutex<VecDeque<Option<Verdict>>>,
}

impl Notes {
    pub(crate) fn telling(verdicts: impl IntoIterator<Item = Option<Verdict>>) -> Arc<Self> {
        let verdicts = Mutex::new(verdicts.into_iter().collect());
        Arc::new(Self {
            verdicts,
            ..Self::default()
        })
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The sagas that it saw, in order, each as often as it came.
    pub(crate) fn sagas(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.saga_id).collect()
    }

    pub(crate) async fn see(&self, count: usize) -> Vec<Seen> {
        eventually(&format!("{count} deliveries"), async || {
            let seen = self.seen();
            (seen.len() >= count).then_some(seen)
        })
        .await
    }

    /// Waits until each of `sagas` was seen, whatever else was.
    pub(crate) async fn see_all(&self, sagas: &[String]) {
        eventually("every message", async || {
            let seen = self.sagas();
            sagas.iter().all(|saga| seen.contains(saga)).then_some(())
        })
        .await;
    }
}

#[async_trait]
impl Handler for Notes {
    async fn handle(&self, delivery: Delivery) -> Verdict {
        let due: SagaDue = delivery.decode().unwrap();
        self.seen.lock().unwrap().push(Seen {
            saga_id: due.saga_id,
            message_id: delivery.id().to_owned(),
            attempt: delivery.attempt(),
            redelivered: delivery.redelivered,
        });
        let verdict = self.verdicts.lock().unwrap().pop_front();
        match verdict {
            Some(Some(verdict)) => verdict,
            Some(None) => panic!("as the test told it"),
            None => Verdict::Done,
        }
    }
}

/// A consumer on a virtual host of its own, and a publisher.
pub(crate) struct Running {
    pub(crate) consuming: JoinHandle<Result<(), Error>>,
    pub(crate) publisher: Publisher,
    pub(crate) broker: Broker,
    pub(crate) management: Management,
    pub(crate) vhost: TestBroker,
    /// Dropped, it stops the consumer.
    pub(crate) stop: Option<DropGuard>,
}

impl Running {
    pub(crate) async fn with(notes: &Arc<Notes>) -> Self {
        let vhost = TestBroker::fresh().await;
        let broker = vhost.open().await;
        Self::over(broker, vhost, notes).await
    }

    /// The same through another way to `vhost`, such as a proxy.
    pub(crate) async fn over(broker: Broker, vhost: TestBroker, notes: &Arc<Notes>) -> Self {
        let publisher = broker.publisher(WORK).await.unwrap();
        let stop = CancellationToken::new();
        let consuming = start(&broker, notes, &stop);
        Self {
            consuming,
            publisher,
            broker,
            management: Management::of(&vhost),
            vhost,
            stop: Some(stop.drop_guard()),
        }
    }

    pub(crate) async fn publish(&self, saga_id: &str) {
        self.publisher.publish(&message(saga_id)).await.unwrap();
    }

    pub(crate) async fn depth_is(&self, queue: &str, depth: u64) {
        depth_is(&self.vhost, queue, depth).await;
    }
}

pub(crate) fn start(
    broker: &Broker,
    notes: &Arc<Notes>,
    stop: &CancellationToken,
) -> JoinHandle<Result<(), Error>> {
    let handler: Arc<dyn Handler> = Arc::clone(notes) as _;
    let consuming = consume(broker.clone(), WORK, PREFETCH, handler, stop.clone());
    tokio::spawn(consuming)
}

pub(crate) async fn depth_is(vhost: &TestBroker, queue: &str, depth: u64) {
    eventually(&format!("{depth} messages in {queue}"), async || {
        (vhost.depth(queue).await == depth).then_some(())
    })
    .await;
}

pub(crate) fn message(saga_id: &str) -> Message {
    Message::new(&SagaDue {
        saga_id: saga_id.to_owned(),
    })
}

pub(crate) fn numbered(count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("saga-{number:05}"))
        .collect()
}

/// Takes `count` messages out of the work queue, one after the other, in its order.
pub(crate) async fn drain(vhost: &TestBroker, count: usize) -> Vec<String> {
    let notes = Notes::telling([]);
    let stop = CancellationToken::new();
    let handler: Arc<dyn Handler> = Arc::clone(&notes) as _;
    tokio::spawn(consume(vhost.open().await, WORK, 1, handler, stop.clone()));
    notes.see(count).await;
    stop.cancel();
    notes.sagas()
}
