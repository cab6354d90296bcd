//! A broker that is killed, and one that runs out of memory: what others share cannot be used for
//! this.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::join_all;
use reen_backends::rabbitmq::Node;
use reen_chassis::admin::Dependency as _;
use reen_messaging::{Broker, Delivery, Handler, Message, Publisher, Queue, Verdict, consume};
use reen_proto::events::v1::SagaDue;
use reen_testkit::eventually;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

const WORK: Queue = Queue { name: "work" };
const BOUNDED: Duration = Duration::from_secs(8);
const CONTROL: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";

/// Works on a message when the test lets it.
struct Gate {
    open: Semaphore,
    done: AtomicUsize,
}

#[async_trait]
impl Handler for Gate {
    async fn handle(&self, _: Delivery) -> Verdict {
        self.open.acquire().await.unwrap().forget();
        self.done.fetch_add(1, Ordering::SeqCst);
        Verdict::Done
    }
}

struct Own {
    node: Node,
    folder: TempDir,
    broker: Broker,
    publisher: Publisher,
    gate: Arc<Gate>,
    stop: CancellationToken,
}

impl Own {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let node = Node::start(folder.path()).unwrap();
        let url = SecretString::from(node.url());
        let broker = Broker::open(&url, "test").await.unwrap();
        let gate = Arc::new(Gate {
            open: Semaphore::new(0),
            done: AtomicUsize::new(0),
        });
        let stop = CancellationToken::new();
        let handler: Arc<dyn Handler> = Arc::clone(&gate) as _;
        tokio::spawn(consume(broker.clone(), WORK, 50, handler, stop.clone()));
        Self {
            node,
            folder,
            publisher: broker.publisher(WORK).await.unwrap(),
            broker,
            gate,
            stop,
        }
    }

    fn limit_memory(&self, limit: &str) {
        self.control(&["set_vm_memory_high_watermark", limit]);
    }

    fn control(&self, arguments: &[&str]) -> String {
        let home = self.folder.path().join("rabbitmq");
        let pid = fs::read_to_string(home.join("pid")).unwrap();
        // The node is found only in its own environment.
        let environment = fs::read(format!("/proc/{}/environ", pid.trim())).unwrap();
        let environment = String::from_utf8(environment).unwrap();
        let variables = environment.split('\0').filter_map(|it| it.split_once('='));
        let done = Command::new(CONTROL)
            .env_clear()
            .envs(variables)
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    }

    async fn is_ready(&self) {
        eventually("readiness", async || self.broker.check().await.ok()).await;
    }

    /// Neither waiting nor in work.
    async fn has_no_messages(&self) {
        eventually("an empty broker", async || {
            let listed = self.control(&["list_queues", "--quiet", "messages"]);
            let mut counts = listed.lines().filter(|line| line.parse::<u64>().is_ok());
            counts.all(|count| count == "0").then_some(())
        })
        .await;
    }

    async fn works_off(&self, count: usize) {
        eventually(&format!("{count} messages worked off"), async || {
            (self.gate.done.load(Ordering::SeqCst) >= count).then_some(())
        })
        .await;
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn message() -> Message {
    Message::new(&SagaDue::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_comes_back_with_all_that_it_confirmed() {
    let mut own = Own::start().await;
    let confirmed = join_all((0..100).map(|_| async { own.publisher.publish(&message()).await }));
    assert!(confirmed.await.iter().all(Result::is_ok));
    own.node.kill();
    assert!(own.publisher.publish(&message()).await.is_err());
    assert!(own.broker.check().await.is_err());
    own.node.restart().unwrap();
    own.is_ready().await;
    own.publisher.publish(&message()).await.unwrap();
    own.gate.open.add_permits(1000);
    own.works_off(101).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_stops_publishers_in_bounded_time_and_no_acknowledgement() {
    let own = Own::start().await;
    own.publisher.publish(&message()).await.unwrap();
    own.limit_memory("0.0001");
    let mut stored = 1;
    // Blocked is whoever publishes, and learns it by that.
    let failed_after = loop {
        let began = Instant::now();
        if own.publisher.publish(&message()).await.is_err() {
            break began.elapsed();
        }
        stored += 1;
    };
    assert!(failed_after < BOUNDED, "{failed_after:?}");
    let trouble = own.broker.check().await.unwrap_err();
    assert!(trouble.contains("alarm"), "{trouble}");
    let began = Instant::now();
    assert!(own.publisher.publish(&message()).await.is_err());
    assert!(began.elapsed() < Duration::from_secs(1), "known by now");

    own.gate.open.add_permits(100_000);
    own.works_off(stored).await;
    own.has_no_messages().await;
    own.limit_memory("0.4");
    own.is_ready().await;
    own.publisher.publish(&message()).await.unwrap();
    own.works_off(stored + 1).await;
}
