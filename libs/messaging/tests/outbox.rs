//! What was committed arrives, with its id; what was aborted does not.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

mod support;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bson::{DateTime, Document, doc};
use reen_messaging::{Broker, Message, Outbox};
use reen_mongo::{Database, Migration, Schema, Transaction};
use reen_testkit::{FaultProxy, TestBroker, TestDatabase, assert_uses_index, eventually};
use secrecy::SecretString;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use support::{Notes, Running, message, numbered};

struct Sending {
    fresh: TestDatabase,
    database: Database,
    outbox: Outbox,
    running: Running,
    notes: Arc<Notes>,
}

impl Sending {
    async fn start() -> Self {
        let notes = Notes::telling([]);
        let running = Running::with(&notes).await;
        Self::over(running, notes).await
    }

    async fn over(running: Running, notes: Arc<Notes>) -> Self {
        let fresh = TestDatabase::fresh();
        let database = fresh.open().await;
        let outbox = Outbox::open(&database);
        Self {
            fresh,
            database,
            outbox,
            running,
            notes,
        }
    }

    /// Puts each message in a transaction of its own.
    async fn put(&self, messages: &[Message]) {
        for message in messages {
            let mut transaction = Transaction::begin(&self.database).await.unwrap();
            let put = self.outbox.put(transaction.session(), message).await;
            transaction.settle(put).await.unwrap();
        }
    }

    fn relay(&self, outbox: &Outbox) -> JoinHandle<()> {
        let (outbox, publisher) = (outbox.clone(), self.running.publisher.clone());
        tokio::spawn(outbox.relay(publisher, CancellationToken::new()))
    }

    async fn is_empty(&self) {
        let waiting = self.database.collection::<Document>("outbox");
        eventually("an empty outbox", async || {
            let count = waiting.count_documents(doc! {}).await.unwrap();
            (count == 0).then_some(())
        })
        .await;
    }

    /// Every message was seen with its own id, and those seen more than once are told by it.
    fn assert_each_arrived(&self, messages: &[Message]) {
        let seen: HashSet<String> = self
            .notes
            .seen()
            .into_iter()
            .map(|seen| seen.message_id)
            .collect();
        let put: HashSet<String> = messages.iter().map(|it| it.id().to_owned()).collect();
        assert_eq!(seen, put);
    }
}

fn messages(count: usize) -> Vec<Message> {
    numbered(count).iter().map(|saga| message(saga)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_arrives_once_and_what_was_aborted_never() {
    let sending = Sending::start().await;
    let _relay = sending.relay(&sending.outbox);
    let mut aborted = Transaction::begin(&sending.database).await.unwrap();
    let refused = message("aborted");
    let put = sending.outbox.put(aborted.session(), &refused);
    put.await.unwrap();
    drop(aborted);
    let committed = messages(3);
    sending.put(&committed).await;
    sending.outbox.nudge();
    sending.notes.see(3).await;
    sending.is_empty().await;
    sending.assert_each_arrived(&committed);
    assert_eq!(sending.notes.seen().len(), 3, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_is_sent_first() {
    let mut sending = Sending::start().await;
    let sagas = numbered(250);
    let mut transaction = Transaction::begin(&sending.database).await.unwrap();
    for saga in &sagas {
        let session = transaction.session();
        sending.outbox.put(session, &message(saga)).await.unwrap();
    }
    transaction
        .settle(Ok::<_, reen_mongo::Error>(()))
        .await
        .unwrap();
    let publisher = sending.running.publisher.clone();
    drop(sending.running.stop.take());
    let relaying = sending.outbox.clone();
    let relay = tokio::spawn(relaying.relay(publisher, CancellationToken::new()));
    support::depth_is(&sending.running.vhost, "work", 250).await;
    relay.abort();
    assert_eq!(support::drain(&sending.running.vhost, 250).await, sagas);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_killed_before_it_takes_out_what_it_sent_sends_it_again() {
    let sending = Sending::start().await;
    let proxy = FaultProxy::to(sending.fresh.url_text()).await;
    let slow = SecretString::from(proxy.through(sending.fresh.url_text()));
    let through_proxy = Database::open(&slow, "test").await.unwrap();
    let slow_outbox = Outbox::open(&through_proxy);
    let put = messages(5);
    sending.put(&put).await;
    // What it sends is there long before it can take it out.
    proxy.delay(Duration::from_millis(700));
    let killed = sending.relay(&slow_outbox);
    sending.notes.see(5).await;
    proxy.cut();
    killed.abort();
    let waiting = sending.database.collection::<Document>("outbox");
    assert_eq!(waiting.count_documents(doc! {}).await.unwrap(), 5);
    // Its lease ends.
    let past = doc! {"$set": {"leaseUntil": DateTime::MIN}};
    waiting.update_many(doc! {}, past).await.unwrap();
    let _relay = sending.relay(&sending.outbox);
    sending.notes.see(10).await;
    sending.is_empty().await;
    sending.assert_each_arrived(&put);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_relays_share_the_work() {
    let sending = Sending::start().await;
    let put = messages(600);
    sending.put(&put[..300]).await;
    let mut others = Vec::new();
    for _ in 0..4 {
        let outbox = Outbox::open(&sending.database);
        others.push(sending.relay(&outbox));
    }
    sending.put(&put[300..]).await;
    sending.is_empty().await;
    sending.notes.see(600).await;
    sending.assert_each_arrived(&put);
    assert_eq!(sending.notes.seen().len(), 600, "nobody died, so each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_gets_everything_when_it_is_back() {
    let vhost = TestBroker::fresh().await;
    let proxy = FaultProxy::to(vhost.url_text()).await;
    let url = SecretString::from(proxy.through(vhost.url_text()));
    let broker = Broker::open(&url, "test").await.unwrap();
    let notes = Notes::telling([]);
    let running = Running::over(broker, vhost, &notes).await;
    let sending = Sending::over(running, notes).await;
    let _relay = sending.relay(&sending.outbox);
    proxy.cut();
    let put = messages(150);
    sending.put(&put).await;
    sending.outbox.nudge();
    let waiting = sending.database.collection::<Document>("outbox");
    eventually("messages that were tried and given back", async || {
        let given_back = doc! {"round": {"$exists": true}, "leaseUntil": DateTime::MIN};
        waiting.find_one(given_back).await.unwrap()
    })
    .await;
    proxy.restore();
    sending.is_empty().await;
    sending.notes.see(150).await;
    sending.assert_each_arrived(&put);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_a_nudge_is_found() {
    let sending = Sending::start().await;
    let _relay = sending.relay(&sending.outbox);
    sending.is_empty().await;
    let put = messages(1);
    sending.put(&put).await;
    sending.notes.see(1).await;
    sending.is_empty().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_free_ones_are_found_by_an_index() {
    let sending = Sending::start().await;
    let migration = Migration::expanding(1, "indexes").indexes(Outbox::indexes());
    let schema = Schema::new("test", 1, vec![migration]);
    sending.fresh.migrated(&schema).await;
    sending.put(&messages(3)).await;
    let free = doc! {"leaseUntil": {"$lt": DateTime::now()}};
    let oldest_first = doc! {"putAt": 1, "_id": 1};
    assert_uses_index(&sending.database, "outbox", free, oldest_first).await;
}
