//! Callers who hang up, and processes that die.

use std::sync::Arc;

use bson::oid::ObjectId;
use futures::future::join_all;
use reen_chassis::{Answered, RequestKey};
use reen_error::Code;
use reen_mongo::Claim;
use reen_testkit::{TestDatabase, eventually};
use tokio::sync::Notify;

use crate::counter::{Counter, TestError, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_hangs_up_finds_the_answer_later() {
    let test = TestDatabase::fresh();
    let counter = Counter::open(&test).await;
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let calling = tokio::spawn({
        let (counter, begun, go_on) = (counter.clone(), begun.clone(), go_on.clone());
        async move {
            let key = Some(request("u", "k", "{}"));
            let idempotency = counter.idempotency.clone();
            let work = move |claim| async move {
                begun.notify_one();
                go_on.notified().await;
                counter.count_as(&claim).await
            };
            idempotency.once(key, |n| n, work).await
        }
    });
    begun.notified().await;
    calling.abort();
    let in_flight = counter.count(Some(request("u", "k", "{}"))).await;
    let code = in_flight.unwrap_err().code();
    assert_eq!(code, Some(Code::IdempotencyInFlight));
    go_on.notify_one();
    let answered = eventually("an answer", async || {
        counter.count(Some(request("u", "k", "{}"))).await.ok()
    });
    assert_eq!(
        answered.await,
        Answered {
            answer: 1,
            is_replay: true
        }
    );
    assert_eq!(counter.n().await, 1);
}

/// A claim whose owner is not heard of any more, and the effect that it named.
async fn abandoned(counter: &Counter, key: &RequestKey) -> ObjectId {
    let (tell, told) = tokio::sync::oneshot::channel();
    let work = move |claim: Claim<i64>| async move {
        let _heard = tell.send(claim.effect());
        std::future::pending::<Result<i64, TestError>>().await
    };
    let idempotency = counter.idempotency.clone();
    let key = key.clone();
    tokio::spawn(async move { idempotency.once(Some(key), |n| n, work).await });
    told.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_claim_of_a_dead_process_is_taken_over_by_one() {
    let test = TestDatabase::fresh();
    let counter = Counter::open(&test).await;
    let key = request("u", "k", "{}");
    let effect = abandoned(&counter, &key).await;
    let early = counter.count(Some(key.clone())).await;
    assert_eq!(early.unwrap_err().code(), Some(Code::IdempotencyInFlight));
    counter.let_time_pass().await;
    let takers = (0..20).map(|_| {
        let taker = counter.clone();
        let taking = move |claim: Claim<i64>| async move {
            assert_eq!(claim.effect(), effect, "what was begun is met again");
            taker.count_as(&claim).await
        };
        counter.idempotency.once(Some(key.clone()), |n| n, taking)
    });
    for outcome in join_all(takers).await {
        match outcome {
            Ok(answered) => assert_eq!(answered.answer, 1),
            Err(error) => assert_eq!(error.code(), Some(Code::IdempotencyInFlight)),
        }
    }
    assert_eq!(counter.n().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_taken_for_dead_commits_nothing() {
    let test = TestDatabase::fresh();
    let counter = Counter::open(&test).await;
    let key = request("u", "k", "{}");
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = tokio::spawn({
        let (counter, key) = (counter.clone(), key.clone());
        let (begun, go_on) = (begun.clone(), go_on.clone());
        async move {
            let idempotency = counter.idempotency.clone();
            let work = move |claim| async move {
                begun.notify_one();
                go_on.notified().await;
                counter.count_as(&claim).await
            };
            idempotency.once(Some(key), |n| n, work).await
        }
    });
    begun.notified().await;
    counter.let_time_pass().await;
    let taken = counter.count(Some(key.clone())).await.unwrap();
    assert_eq!(taken.answer, 1);
    go_on.notify_one();
    let late = slow.await.unwrap().unwrap_err();
    assert_eq!(late.code(), Some(Code::IdempotencyInFlight));
    assert_eq!(counter.n().await, 1);
    assert!(counter.count(Some(key)).await.unwrap().is_replay);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_panics_is_a_failure_and_leaves_its_claim() {
    let test = TestDatabase::fresh();
    let counter = Counter::open(&test).await;
    let key = request("u", "k", "{}");
    let work = |_: Claim<i64>| async { panic!("of this test") as Result<i64, TestError> };
    let failed = counter
        .idempotency
        .once(Some(key.clone()), |n: i64| n, work);
    assert_eq!(failed.await.unwrap_err().code(), Some(Code::Unavailable));
    let early = counter.count(Some(key.clone())).await;
    assert_eq!(early.unwrap_err().code(), Some(Code::IdempotencyInFlight));
    counter.let_time_pass().await;
    assert_eq!(counter.count(Some(key)).await.unwrap().answer, 1);
}
