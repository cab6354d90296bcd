//! Publishing and consuming on a real broker: nothing confirmed is lost, nothing poisonous stays.

mod support;

use std::time::{Duration, Instant};

use futures::future::join_all;
use reen_messaging::{Error, Verdict};
use reen_testkit::{TestBroker, eventually};

use support::{Management, Notes, Running, WORK, depth_is, message, numbered};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_worked_on_once_and_acknowledged() {
    let notes = Notes::telling([]);
    let running = Running::with(&notes).await;
    for each in ["a", "b", "c"] {
        running.publish(each).await;
    }
    notes.see(3).await;
    let mut seen = notes.sagas();
    seen.sort();
    assert_eq!(seen, ["a", "b", "c"]);
    running.depth_is("work", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_longer_than_a_frame_comes_whole() {
    let notes = Notes::telling([]);
    let running = Running::with(&notes).await;
    let long = "a long story ".repeat(100_000);
    running.publish(&long).await;
    running.publish("a short one").await;
    notes.see(2).await;
    assert!(notes.sagas().contains(&long), "no piece of it is missing");
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
    let attempts: Vec<u32> = seen.iter().map(|seen| seen.attempt).collect();
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
        !seen[0].redelivered && seen[1].redelivered,
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
    let mut running = Running::with(&notes).await;
    running.publish("a").await;
    notes.see(1).await;
    running.depth_is("work", 0).await;
    drop(running.stop.take());
    let publisher = running.broker.publisher(WORK).await.unwrap();
    eventually("a message that nobody takes", async || {
        publisher.publish(&message("b")).await.unwrap();
        let waiting = running.vhost.depth("work").await;
        (waiting > 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_acknowledges_what_was_in_work() {
    let notes = Notes::telling([Some(Verdict::Later(Duration::from_secs(300)))]);
    let mut running = Running::with(&notes).await;
    running.publish("a").await;
    notes.see(1).await;
    drop(running.stop.take());
    running.consuming.await.unwrap().unwrap();
    running.broker.close().await;
    let delayed = "work.delay.300000";
    depth_is(&running.vhost, delayed, 1).await;
    depth_is(&running.vhost, "work", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publishes_do_not_wait_for_each_other() {
    const MANY: usize = 500;
    let notes = Notes::telling([]);
    let running = Running::with(&notes).await;
    let began = Instant::now();
    running.publish("alone").await;
    let alone = began.elapsed();
    let sagas = numbered(MANY);
    let began = Instant::now();
    let together = sagas.iter().map(|saga| running.publish(saga));
    join_all(together).await;
    let many = u32::try_from(MANY).unwrap();
    assert!(
        began.elapsed() < alone * many / 4,
        "{MANY} took {:?}, one {alone:?}",
        began.elapsed()
    );
    notes.see_all(&sagas).await;
    assert_eq!(notes.seen().len(), MANY + 1, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_does_not_store_is_an_error() {
    let vhost = TestBroker::fresh().await;
    let publisher = vhost.open().await.publisher(WORK).await.unwrap();
    let management = Management::of(&vhost);
    management.refuse_messages("^work$").await;
    eventually("a refusal", async || {
        let published = publisher.publish(&message("a")).await;
        matches!(published, Err(Error::NotAccepted)).then_some(())
    })
    .await;
    management.take_messages().await;
    eventually("a queue that takes messages again", async || {
        publisher.publish(&message("b")).await.ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_put_off_stays_in_work_until_it_can() {
    let later = Some(Verdict::Later(Duration::from_millis(500)));
    let notes = Notes::telling([later]);
    let running = Running::with(&notes).await;
    running.management.refuse_messages("delay").await;
    // Those that are taken before the policy arrives are not seen by this test.
    let longest = Duration::from_secs(300);
    eventually("delay queues that take nothing", async || {
        let probe = message("probe");
        let put_off = running.publisher.publish_later(&probe, longest);
        put_off.await.is_err().then_some(())
    })
    .await;
    running.publish("a").await;
    notes.see_all(&["a".to_owned()]).await;
    running.management.take_messages().await;
    let again = eventually("the second delivery", async || {
        let mut seen = notes.seen().into_iter().filter(|seen| seen.saga_id == "a");
        seen.nth(1)
    })
    .await;
    assert_eq!((again.attempt, again.redelivered), (1, false));
    running.depth_is("work", 0).await;
    running.depth_is("work.dead", 0).await;
}
