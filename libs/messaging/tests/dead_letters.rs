//! Reading the dead letters takes nothing out; replaying and dropping take out what they settled.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

mod support;

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::{join_all, try_join_all};
use reen_messaging::{Broker, DeadLetter, DeadLetters, Message, Publisher, Verdict, Which};
use reen_proto::events::v1::SagaDue;
use reen_testkit::{TestBroker, eventually};
use tokio_util::sync::CancellationToken;

use support::{Management, Notes, WORK, depth_is, message, numbered, start};

struct Buried {
    letters: DeadLetters,
    messages: Vec<Message>,
    publisher: Publisher,
    broker: Broker,
    vhost: TestBroker,
}

impl Buried {
    async fn many(count: usize) -> Self {
        let vhost = TestBroker::fresh().await;
        let broker = vhost.open().await;
        let publisher = broker.publisher(WORK).await.unwrap();
        let messages: Vec<_> = numbered(count).iter().map(|saga| message(saga)).collect();
        for part in messages.chunks(500) {
            let burying = part.iter().map(|message| publisher.bury(message, "poison"));
            try_join_all(burying).await.unwrap();
        }
        Self {
            letters: DeadLetters::of(&broker, WORK).await.unwrap(),
            messages,
            publisher,
            broker,
            vhost,
        }
    }

    fn ids(&self, which: impl IntoIterator<Item = usize>) -> Vec<String> {
        let id = |number: usize| self.messages[number].id().to_owned();
        which.into_iter().map(id).collect()
    }

    async fn listed(&self) -> Vec<String> {
        ids(&self.letters.list(1000).await.unwrap())
    }

    async fn count_is(&self, count: u64) {
        eventually(&format!("{count} letters"), async || {
            (self.letters.count().await.ok()? == count).then_some(())
        })
        .await;
    }
}

fn ids(letters: &[DeadLetter]) -> Vec<String> {
    letters
        .iter()
        .map(|letter| letter.id().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_tells_what_it_is_and_why_it_died() {
    let buried = Buried::many(1).await;
    let letters = buried.letters.list(10).await.unwrap();
    assert_eq!(ids(&letters), buried.ids([0]));
    assert_eq!(letters[0].kind(), "reen.events.v1.SagaDue");
    assert_eq!(letters[0].reason(), "poison");
    let due: SagaDue = letters[0].decode().unwrap();
    assert_eq!(due.saga_id, "saga-00000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_the_broker_buried_tells_the_brokers_reason() {
    let buried = Buried::many(0).await;
    let notes = Notes::telling((0..30).map(|_| None));
    let stop = CancellationToken::new();
    start(&buried.broker, &notes, &stop);
    buried.publisher.publish(&message("a")).await.unwrap();
    buried.count_is(1).await;
    let letters = buried.letters.list(10).await.unwrap();
    assert_eq!(letters[0].reason(), "delivery_limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_again_and_again_takes_nothing_out() {
    let buried = Buried::many(5).await;
    for _ in 0..30 {
        assert_eq!(buried.letters.list(3).await.unwrap().len(), 3);
    }
    assert_eq!(buried.listed().await, buried.ids(0..5), "oldest first");
    assert_eq!(buried.letters.list(0).await.unwrap().len(), 0);
    assert_eq!(buried.letters.count().await.unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_one_process_do_not_disturb_each_other() {
    let buried = Buried::many(50).await;
    let lists = join_all((0..8).map(|_| buried.listed())).await;
    for list in lists {
        assert_eq!(list, buried.ids(0..50));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn named_letters_go_back_to_work_and_the_others_stay() {
    let buried = Buried::many(20).await;
    let named = buried.ids([3, 11, 19]);
    let mut unknown = named.clone();
    unknown.push("unknown".to_owned());
    let replayed = buried.letters.replay(Which::These(&unknown)).await.unwrap();
    assert_eq!(replayed, 3);
    let notes = Notes::telling([]);
    let stop = CancellationToken::new();
    start(&buried.broker, &notes, &stop);
    let seen = notes.see(3).await;
    let seen_ids: HashSet<_> = seen.iter().map(|seen| seen.message_id.clone()).collect();
    assert_eq!(seen_ids, named.into_iter().collect());
    assert!(seen.iter().all(|seen| seen.attempt == 0), "{seen:?}");
    let stay = (0..20).filter(|number| ![3, 11, 19].contains(number));
    assert_eq!(buried.listed().await, buried.ids(stay));
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_letters_are_gone_and_the_others_stay() {
    let buried = Buried::many(4).await;
    let dropped = buried.letters.drop(&buried.ids([0, 2])).await.unwrap();
    assert_eq!(dropped, 2);
    assert_eq!(buried.listed().await, buried.ids([1, 3]));
    depth_is(&buried.vhost, "work", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_are_replayed_each_once() {
    let buried = Buried::many(5000).await;
    assert_eq!(buried.letters.list(1000).await.unwrap().len(), 1000);
    let last = buried.ids([4999]);
    assert_eq!(buried.letters.drop(&last).await.unwrap(), 1);
    assert_eq!(buried.letters.replay(Which::All).await.unwrap(), 4999);
    assert_eq!(buried.letters.count().await.unwrap(), 0);
    depth_is(&buried.vhost, "work", 4999).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_that_die_again_are_not_replayed_for_ever() {
    let buried = Buried::many(400).await;
    let again = (0..800).map(|_| Some(Verdict::Dead("still poison".to_owned())));
    let notes = Notes::telling(again);
    let stop = CancellationToken::new();
    start(&buried.broker, &notes, &stop);
    assert_eq!(buried.letters.replay(Which::All).await.unwrap(), 400);
    buried.count_is(400).await;
    assert_eq!(notes.seen().len(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_the_middle_of_a_replay_loses_nothing() {
    let buried = Arc::new(Buried::many(2000).await);
    let crashing = {
        let buried = Arc::clone(&buried);
        tokio::spawn(async move { buried.letters.replay(Which::All).await })
    };
    eventually("a replay that has begun", async || {
        (buried.vhost.depth("work").await > 0).then_some(())
    })
    .await;
    crashing.abort();
    let _aborted = crashing.await;
    let notes = Notes::telling([]);
    let stop = CancellationToken::new();
    start(&buried.broker, &notes, &stop);
    eventually("what is left to be replayed", async || {
        buried.letters.replay(Which::All).await.ok()
    })
    .await;
    notes.see_all(&numbered(2000)).await;
    buried.count_is(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_gives_every_letter_back() {
    let buried = Arc::new(Buried::many(3000).await);
    let listing = {
        let buried = Arc::clone(&buried);
        tokio::spawn(async move { buried.letters.replay(Which::These(&[])).await })
    };
    let management = Management::of(&buried.vhost);
    management.close_connections().await;
    let _whatever_it_came_to = listing.await.unwrap();
    buried.count_is(3000).await;
    assert_eq!(buried.listed().await.len(), 1000);
}
