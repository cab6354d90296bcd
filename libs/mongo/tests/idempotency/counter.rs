use bson::{DateTime, Document, doc};
use mongodb::ClientSession;
use reen_chassis::{Answered, IdempotencyKey, RequestKey};
use reen_error::{Code, Coded as _};
use reen_mongo::{
    Claim, Collection, Database, Error, Idempotency, IdempotencyError, Transaction,
    TransactionError,
};
use reen_testkit::TestDatabase;

#[derive(Debug)]
pub(crate) enum TestError {
    Refused,
    Idempotency(IdempotencyError),
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

impl From<IdempotencyError> for TestError {
    fn from(error: IdempotencyError) -> Self {
        Self::Idempotency(error)
    }
}

impl TransactionError for TestError {
    fn database(&self) -> Option<&Error> {
        match self {
            Self::Store(error) => Some(error),
            Self::Idempotency(error) => error.database(),
            Self::Refused => None,
        }
    }
}

impl TestError {
    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Idempotency(error) => Some(error.code()),
            _ => None,
        }
    }
}

/// A service whose one effect is to count; its answer is the count.
#[derive(Clone)]
pub(crate) struct Counter {
    pub(crate) database: Database,
    counters: Collection<Document>,
    requests: Collection<Document>,
    pub(crate) idempotency: Idempotency,
}

impl Counter {
    pub(crate) async fn open(test: &TestDatabase) -> Self {
        let counter = Self::of(test.open().await).await;
        let zero = doc! {"_id": "c", "n": 0_i64};
        counter.counters.insert_one(zero).await.unwrap();
        counter
    }

    /// A replica of it.
    pub(crate) async fn of(database: Database) -> Self {
        Self {
            requests: database.collection("idempotency"),
            idempotency: Idempotency::open(&database),
            counters: database.collection("counters"),
            database,
        }
    }

    /// Counts on, in a transaction with its answer.
    pub(crate) async fn count(&self, key: Option<RequestKey>) -> Result<Answered<i64>, TestError> {
        let counter = self.clone();
        let counting = move |claim| async move { counter.count_as(&claim).await };
        self.idempotency.once(key, |n| n, counting).await
    }

    /// The same where a count is a single write.
    pub(crate) async fn count_alone(
        &self,
        key: Option<RequestKey>,
    ) -> Result<Answered<i64>, TestError> {
        let counter = self.clone();
        let counting = move |claim: Claim<i64>| async move {
            let mut write = claim.begin(&counter.database).await?;
            loop {
                let attempt = counter.count_once(write.session()).await;
                if let Some(n) = write.settle(attempt).await? {
                    return Ok(n);
                }
            }
        };
        self.idempotency.once(key, |n| n, counting).await
    }

    pub(crate) async fn count_as(&self, claim: &Claim<i64>) -> Result<i64, TestError> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let session = transaction.session();
            let attempt = async {
                let n = self.count_once(Some(&mut *session)).await?;
                claim.keep(session, &n).await?;
                Ok(n)
            };
            let attempt: Result<i64, TestError> = attempt.await;
            if let Some(n) = transaction.settle(attempt).await? {
                return Ok(n);
            }
        }
    }

    async fn count_once(&self, session: Option<&mut ClientSession>) -> Result<i64, TestError> {
        let one_more = doc! {"$inc": {"n": 1_i64}};
        let mut counting = self
            .counters
            .find_one_and_update(doc! {"_id": "c"}, one_more);
        if let Some(session) = session {
            counting = counting.session(session);
        }
        let before = counting.await?.unwrap();
        Ok(before.get_i64("n").unwrap() + 1)
    }

    pub(crate) async fn n(&self) -> i64 {
        let found = self.counters.find_one(doc! {"_id": "c"}).await.unwrap();
        found.unwrap().get_i64("n").unwrap()
    }

    /// Lets the leases of all claims run out.
    pub(crate) async fn let_time_pass(&self) {
        let over = doc! {"$set": {"leaseUntil": DateTime::MIN}};
        self.requests.update_many(doc! {}, over).await.unwrap();
    }
}

/// A request of this user, as the server reads it off a call.
pub(crate) fn request(user: &str, key: &str, body: &str) -> RequestKey {
    let key = IdempotencyKey::new(key, [body.as_bytes()]);
    RequestKey::new(user, "/Counter/Count", &key)
}
