use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bson::doc;
use futures::future::join_all;
use reen_chassis::{Answered, CallContext};
use reen_error::Code;
use reen_mongo::{Claim, Idempotency, Migration, Schema};
use reen_testkit::TestDatabase;

use crate::counter::{Counter, TestError, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_answered_without_an_effect() {
    let test = TestDatabase::fresh();
    let counter = Counter::open(&test).await;
    let key = request("u", "k", "{}");
    for is_replay in [false, true, true] {
        let answered = counter.count(Some(key.clone())).await.unwrap();
        assert_eq!(
            answered,
            Answered {
                answer: 1,
                is_replay
            }
        );
    }
    assert_eq!(counter.n().await, 1);
    let other = counter.count(Some(request("v", "k", "{}"))).await.unwrap();
    assert_eq!(other.answer, 2, "a key is its user's");
    let unnamed = counter.count(None).await.unwrap();
    assert_eq!(unnamed.answer, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_write_is_kept_with_its_answer_or_needs_no_transaction() {
    let test = TestDatabase::fresh();
    let counter = Counter::open(&test).await;
    let key = request("u", "k", "{}");
    for is_replay in [false, true] {
        let answered = counter.count_alone(Some(key.clone())).await.unwrap();
        assert_eq!(
            answered,
            Answered {
                answer: 1,
                is_replay
            }
        );
    }
    assert_eq!(counter.count_alone(None).await.unwrap().answer, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_used_for_something_else_is_refused() {
    let test = TestDatabase::fresh();
    let counter = Counter::open(&test).await;
    counter.count(Some(request("u", "k", "a"))).await.unwrap();
    let reused = counter.count(Some(request("u", "k", "b"))).await;
    let code = reused.unwrap_err().code();
    assert_eq!(code, Some(Code::IdempotencyKeyReused));
    assert_eq!(counter.n().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_repeats_at_once_one_has_an_effect() {
    let test = TestDatabase::fresh();
    let counter = Counter::open(&test).await;
    let replica = Counter::of(test.open().await).await;
    let key = request("u", "k", "{}");
    let outcomes = join_all((0..20).map(|index| {
        let asked = if index % 2 == 0 { &counter } else { &replica };
        asked.count(Some(key.clone()))
    }));
    let mut answered = 0;
    for outcome in outcomes.await {
        match outcome {
            Ok(same) => {
                assert_eq!(same.answer, 1);
                answered += 1;
            }
            Err(error) => assert_eq!(error.code(), Some(Code::IdempotencyInFlight)),
        }
    }
    assert!(answered >= 1);
    assert_eq!(counter.n().await, 1);
    let later = counter.count(Some(key)).await.unwrap();
    assert_eq!((later.answer, later.is_replay), (1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_not_kept() {
    let test = TestDatabase::fresh();
    let counter = Counter::open(&test).await;
    let key = request("u", "k", "{}");
    let refusing = |_: Claim<i64>| async { Err(TestError::Refused) };
    let refused = counter
        .idempotency
        .once(Some(key.clone()), |n: i64| n, refusing);
    assert!(matches!(refused.await, Err(TestError::Refused)));
    let answered = counter.count(Some(key)).await.unwrap();
    assert_eq!((answered.answer, answered.is_replay), (1, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_effect_here_is_answered_again_all_the_same() {
    let test = TestDatabase::fresh();
    let counter = Counter::open(&test).await;
    let asked = Arc::new(AtomicUsize::new(0));
    for _ in 0..2 {
        let asked = Arc::clone(&asked);
        let work = move |_: Claim<i64>| async move {
            asked.fetch_add(1, Ordering::SeqCst);
            Ok::<_, TestError>(7)
        };
        let key = Some(request("u", "k", "{}"));
        let answered = counter.idempotency.once(key, |n: i64| n, work).await;
        assert_eq!(answered.unwrap().answer, 7);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_keeps_the_context_of_its_call() {
    let test = TestDatabase::fresh();
    let counter = Counter::open(&test).await;
    let context = CallContext {
        user: Some("u".into()),
        ..CallContext::default()
    };
    let work = |_: Claim<i64>| async {
        let user = CallContext::current().user;
        Ok::<_, TestError>(i64::from(user.as_deref() == Some("u")))
    };
    let key = Some(request("u", "k", "{}"));
    let answered = context.scope(counter.idempotency.once(key, |n: i64| n, work));
    assert_eq!(answered.await.unwrap().answer, 1);
}

#[tokio::test]
async fn keys_are_forgotten_after_a_day() {
    let test = TestDatabase::fresh();
    let migration = Migration::expanding(1, "indexes").indexes(Idempotency::indexes());
    let schema = Schema::new("test", 1, vec![migration]);
    let database = test.migrated(&schema).await;
    let indexes = doc! {"listIndexes": "idempotency"};
    let listed = database.driver().run_command(indexes).await.unwrap();
    let text = listed.to_string();
    assert!(text.contains("\"expireAfterSeconds\": 86400"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_and_undone_is_not_answered() {
    let test = TestDatabase::fresh();
    let counter = Counter::open(&test).await;
    let key = request("u", "k", "{}");
    let undoer = counter.clone();
    let undoing = move |claim: Claim<i64>| async move {
        undoer.count_as(&claim).await?;
        claim.retract().await;
        Err(TestError::Refused)
    };
    let undone = counter.idempotency.once(Some(key.clone()), |n| n, undoing);
    assert!(matches!(undone.await, Err(TestError::Refused)));
    let answered = counter.count(Some(key)).await.unwrap();
    assert_eq!((answered.answer, answered.is_replay), (2, false));
}
