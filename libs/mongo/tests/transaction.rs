//! Transactions and the fence on a real replica set.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use bson::{Document, doc};
use futures::future::join_all;
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::{Collection, Database, Error, Fence, FenceError, Transaction, TransactionError};
use reen_testkit::TestDatabase;

#[derive(Debug)]
enum TestError {
    Refused,
    Fence(FenceError),
    Store(Error),
}

impl From<Error> for TestError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<mongodb::error::Error> for TestError {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Store(error.into())
    }
}

impl TransactionError for TestError {
    fn database(&self) -> Option<&Error> {
        match self {
            Self::Store(error) | Self::Fence(FenceError::Store(error)) => Some(error),
            _ => None,
        }
    }
}

struct Counters {
    database: Database,
    documents: Collection<Document>,
    fence: Fence,
}

impl Counters {
    async fn open(test: &TestDatabase) -> Self {
        let database = test.open().await;
        let documents = database.collection("counters");
        documents
            .insert_one(doc! {"_id": "c", "n": 0_i64})
            .await
            .unwrap();
        Self {
            fence: Fence::open(&database),
            documents,
            database,
        }
    }

    async fn increment(
        &self,
        operation: Option<&Operation>,
        refuse: bool,
    ) -> Result<(), TestError> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .increment_once(transaction.session(), operation, refuse)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn increment_once(
        &self,
        session: &mut ClientSession,
        operation: Option<&Operation>,
        refuse: bool,
    ) -> Result<(), TestError> {
        if let Some(operation) = operation {
            self.fence
                .pass(session, operation)
                .await
                .map_err(TestError::Fence)?;
        }
        let this = doc! {"_id": "c"};
        // Read and write apart, so that only the transaction keeps them together.
        let read = self
            .documents
            .find_one(this.clone())
            .session(&mut *session)
            .await?;
        let n = read
            .and_then(|document| document.get_i64("n").ok())
            .unwrap();
        let next = doc! {"$set": {"n": n + 1}};
        self.documents
            .update_one(this, next)
            .session(session)
            .await?;
        if refuse {
            Err(TestError::Refused)
        } else {
            Ok(())
        }
    }

    async fn n(&self) -> i64 {
        let document = self.documents.find_one(doc! {"_id": "c"}).await.unwrap();
        document.unwrap().get_i64("n").unwrap()
    }
}

fn operation(epoch: i64) -> Operation {
    Operation {
        id: format!("op-{epoch}"),
        saga: "saga".to_owned(),
        epoch,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_contending_increments_are_all_counted() {
    let test = TestDatabase::fresh();
    let counters = Counters::open(&test).await;
    let outcomes = join_all((0..40).map(|_| counters.increment(None, false))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(counters.n().await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_leaves_nothing_behind() {
    let test = TestDatabase::fresh();
    let counters = Counters::open(&test).await;
    let outcome = counters.increment(Some(&operation(1)), true).await;
    assert!(matches!(outcome, Err(TestError::Refused)), "{outcome:?}");
    assert_eq!(counters.n().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_epoch_is_refused_once_a_newer_one_has_passed() {
    let test = TestDatabase::fresh();
    let counters = Counters::open(&test).await;
    counters
        .increment(Some(&operation(1)), false)
        .await
        .unwrap();
    counters
        .increment(Some(&operation(3)), false)
        .await
        .unwrap();
    counters
        .increment(Some(&operation(3)), false)
        .await
        .unwrap();
    let stale = counters.increment(Some(&operation(2)), false).await;
    assert!(
        matches!(stale, Err(TestError::Fence(FenceError::Stale))),
        "{stale:?}"
    );
    assert_eq!(counters.n().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_racing_epochs_the_newest_always_wins() {
    let test = TestDatabase::fresh();
    let counters = Counters::open(&test).await;
    let epochs =
        (1..=20).map(async |epoch| counters.increment(Some(&operation(epoch)), false).await);
    let passed = join_all(epochs)
        .await
        .iter()
        .filter(|outcome| outcome.is_ok())
        .count();
    assert_eq!(counters.n().await, i64::try_from(passed).unwrap());
    assert!(
        counters
            .increment(Some(&operation(20)), false)
            .await
            .is_ok(),
        "the newest passed"
    );
    assert!(
        counters
            .increment(Some(&operation(19)), false)
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_that_was_refused_by_a_rule_does_not_count_as_passed() {
    let test = TestDatabase::fresh();
    let counters = Counters::open(&test).await;
    let _refused = counters.increment(Some(&operation(5)), true).await;
    counters
        .increment(Some(&operation(1)), false)
        .await
        .unwrap();
    assert_eq!(counters.n().await, 1);
}
