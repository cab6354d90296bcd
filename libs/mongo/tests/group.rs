//! Group commit on a real replica set: what is done together comes to what it would come to alone.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bson::{Document, doc};
use futures::future::join_all;
use mongodb::ClientSession;
use reen_mongo::{
    Collection, Database, Error, Group, GuardedWrites, Together, Transaction, TransactionError,
    update_each,
};
use reen_testkit::TestDatabase;

#[derive(Debug, PartialEq, Eq)]
enum TestError {
    Refused,
    Store(String),
}

impl From<Error> for TestError {
    fn from(error: Error) -> Self {
        Self::Store(error.to_string())
    }
}

impl TransactionError for TestError {
    fn database(&self) -> Option<&Error> {
        None
    }
}

/// One more on the one counter, once for each id.
#[derive(Clone)]
struct Count {
    id: String,
    refused: bool,
}

struct Counter {
    database: Database,
    counter: Collection<Document>,
    done: Collection<Document>,
    transactions: Arc<AtomicUsize>,
}

impl Together for Counter {
    type Job = Count;
    type Answer = String;
    type Error = TestError;

    async fn together(&self, jobs: &[Count]) -> Result<Vec<String>, TestError> {
        assert!(jobs.iter().all(|job| job.id != "panic"), "a planted panic");
        self.transactions.fetch_add(1, Ordering::SeqCst);
        let mut transaction = Transaction::begin(&self.database).await?;
        let attempt = self.count(transaction.session(), jobs).await;
        transaction.settle(attempt).await?.ok_or(TestError::Refused)
    }

    async fn alone(&self, job: &Count) -> Result<String, TestError> {
        if self
            .done
            .find_one(doc! {"_id": &job.id})
            .await
            .unwrap()
            .is_some()
        {
            return Ok("again".to_owned());
        }
        let answers = self.together(std::slice::from_ref(job)).await?;
        Ok(answers.concat())
    }
}

impl Counter {
    async fn count(
        &self,
        session: &mut ClientSession,
        jobs: &[Count],
    ) -> Result<Vec<String>, TestError> {
        if jobs.iter().any(|job| job.refused) {
            return Err(TestError::Refused);
        }
        let records = jobs.iter().map(|job| doc! {"_id": &job.id});
        let inserted = self.done.insert_many(records).session(&mut *session).await;
        inserted.map_err(Error::from)?;
        let statements = jobs
            .iter()
            .map(|_| doc! {"q": {"_id": "c"}, "u": {"$inc": {"n": 1_i64}}, "upsert": true});
        update_each(session, &self.counter, statements.collect()).await?;
        Ok(jobs.iter().map(|job| format!("did {}", job.id)).collect())
    }
}

struct World {
    group: Group<Counter>,
    counter: Collection<Document>,
    transactions: Arc<AtomicUsize>,
}

impl World {
    async fn open(test: &TestDatabase) -> Self {
        let database = test.open().await;
        let counter = database.collection("counters");
        let transactions = Arc::new(AtomicUsize::new(0));
        let work = Counter {
            counter: counter.clone(),
            done: database.collection("done"),
            transactions: Arc::clone(&transactions),
            database,
        };
        Self {
            group: Group::start(work),
            counter,
            transactions,
        }
    }

    async fn submit(&self, id: &str, refused: bool) -> Result<String, TestError> {
        let id = id.to_owned();
        self.group.submit(Count { id, refused }).await
    }

    async fn total(&self) -> i64 {
        let counter = self.counter.find_one(doc! {"_id": "c"}).await.unwrap();
        counter.map_or(0, |counter| counter.get_i64("n").unwrap())
    }
}

#[tokio::test]
async fn what_comes_at_once_shares_transactions_and_is_answered_each_its_own() {
    let test = TestDatabase::fresh();
    let world = World::open(&test).await;
    let ids: Vec<String> = (0..64).map(|number| number.to_string()).collect();
    let answers = join_all(ids.iter().map(|id| world.submit(id, false))).await;
    for (id, answer) in ids.iter().zip(answers) {
        assert_eq!(answer, Ok(format!("did {id}")));
    }
    assert_eq!(world.total().await, 64);
    let transactions = world.transactions.load(Ordering::SeqCst);
    assert!(transactions < 16, "{transactions} for 64 jobs");
}

#[tokio::test]
async fn one_that_is_refused_refuses_no_other() {
    let test = TestDatabase::fresh();
    let world = World::open(&test).await;
    let ids: Vec<String> = (0..16).map(|number| number.to_string()).collect();
    let answers = join_all(ids.iter().map(|id| world.submit(id, id == "7"))).await;
    for (id, answer) in ids.iter().zip(answers) {
        assert_eq!(answer.is_err(), id == "7", "{id}: {answer:?}");
    }
    assert_eq!(world.total().await, 15);
}

#[tokio::test]
async fn a_repeat_in_the_same_group_is_told() {
    let test = TestDatabase::fresh();
    let world = World::open(&test).await;
    let answers = join_all((0..8).map(|_| world.submit("same", false))).await;
    let (first, others) = answers.split_first().unwrap();
    assert_eq!(*first, Ok("did same".to_owned()));
    assert!(
        others
            .iter()
            .all(|answer| *answer == Ok("again".to_owned()))
    );
    assert_eq!(world.total().await, 1);
}

#[tokio::test]
async fn a_panic_ends_its_group_and_not_the_next() {
    let test = TestDatabase::fresh();
    let world = World::open(&test).await;
    let stopped = TestError::from(Error::Stopped);
    assert_eq!(world.submit("panic", false).await, Err(stopped));
    assert_eq!(world.submit("next", false).await, Ok("did next".to_owned()));
}

#[tokio::test]
async fn two_groups_on_one_document_lose_nothing() {
    let test = TestDatabase::fresh();
    let database = test.open().await;
    let writes = ["a", "b"].map(|_| GuardedWrites::open(&database, "counters"));
    let counters = database.collection::<Document>("counters");
    counters
        .insert_one(doc! {"_id": "c", "n": 0_i64})
        .await
        .unwrap();
    let more = doc! {"$inc": {"n": 1_i64}};
    let all = (0..40).map(|number: usize| {
        let this = doc! {"_id": "c"};
        writes[number % 2].write(this, more.clone())
    });
    assert!(
        join_all(all)
            .await
            .into_iter()
            .all(|written| written.unwrap())
    );
    let counter = counters.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(counter.get_i64("n").unwrap(), 40);
}

#[tokio::test]
async fn a_write_to_what_changed_meanwhile_is_not_made_and_hinders_no_other() {
    let test = TestDatabase::fresh();
    let database = test.open().await;
    let documents = database.collection::<Document>("documents");
    let ids = 0..10_i64;
    let all = ids.clone().map(|id| doc! {"_id": id, "revision": 0_i64});
    documents.insert_many(all).await.unwrap();
    let writes = GuardedWrites::open(&database, "documents");
    let written = join_all(ids.map(|id| {
        let revision = i64::from(id == 3);
        let as_read = doc! {"_id": id, "revision": revision};
        writes.write(as_read, doc! {"_id": id, "revision": 1_i64})
    }))
    .await;
    for (id, written) in written.into_iter().enumerate() {
        assert_eq!(written.unwrap(), id != 3, "{id}");
    }
    let behind = doc! {"revision": 0_i64};
    assert_eq!(documents.count_documents(behind).await.unwrap(), 1);
}
