//! Reads of one point in time on a real replica set.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use bson::{Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;
use reen_mongo::{Collection, Database, Error, Snapshot};
use reen_testkit::TestDatabase;

/// More than the server sends at a time when nobody says how many.
const MANY: i64 = 500;

/// Two collections of which it matters that they are read at the same point in time.
struct Pair {
    database: Database,
    ones: Collection<Document>,
    others: Collection<Document>,
}

impl Pair {
    async fn open(fresh: &TestDatabase) -> Self {
        let database = fresh.open().await;
        let pair = Self {
            ones: database.collection("ones"),
            others: database.collection("others"),
            database,
        };
        for documents in [&pair.ones, &pair.others] {
            let numbers = (0..MANY).map(|n| doc! {"_id": n});
            documents.insert_many(numbers).await.unwrap();
        }
        pair
    }

    /// How many there are of each; between the two something is done.
    async fn read(
        &self,
        session: &mut ClientSession,
        meanwhile: impl Future<Output = ()>,
    ) -> Result<(usize, usize), Error> {
        let ones = count(&self.ones, session).await?;
        meanwhile.await;
        Ok((ones, count(&self.others, session).await?))
    }

    async fn add_one_each(&self, id: i64) {
        for documents in [&self.ones, &self.others] {
            documents.insert_one(doc! {"_id": id}).await.unwrap();
        }
    }

    /// The collection is another one then, as when its first document makes it.
    async fn make_others_anew(&self) {
        self.others.drop().await.unwrap();
        self.others.insert_one(doc! {"_id": 0}).await.unwrap();
    }
}

async fn count(
    documents: &Collection<Document>,
    session: &mut ClientSession,
) -> Result<usize, Error> {
    let documents = documents.of_snapshots();
    let mut found = documents.find(doc! {}).session(&mut *session).await?;
    let found: Vec<_> = found.stream(session).try_collect().await?;
    Ok(found.len())
}

#[tokio::test]
async fn everything_is_of_one_point_in_time() {
    let fresh = TestDatabase::fresh();
    let pair = Pair::open(&fresh).await;
    let mut snapshot = Snapshot::begin(&pair.database).await.unwrap();
    let meanwhile = pair.add_one_each(MANY);
    let then = pair.read(snapshot.session(), meanwhile).await.unwrap();
    assert_eq!(then, (500, 500));
    let mut later = Snapshot::begin(&pair.database).await.unwrap();
    let now = pair.read(later.session(), async {}).await.unwrap();
    assert_eq!(now, (501, 501));
}

#[tokio::test]
async fn what_is_read_while_a_collection_is_made_is_read_anew() {
    let fresh = TestDatabase::fresh();
    let pair = Pair::open(&fresh).await;
    let mut snapshot = Snapshot::begin(&pair.database).await.unwrap();
    let mut made = 0;
    let counted = loop {
        let meanwhile = async {
            if made < 2 {
                made += 1;
                pair.make_others_anew().await;
                pair.add_one_each(MANY + made).await;
            }
        };
        let attempt = pair.read(snapshot.session(), meanwhile).await;
        if let Some(counted) = snapshot.settle(attempt).await.unwrap() {
            break counted;
        }
    };
    // Both of them, from the later point in time.
    assert_eq!((made, counted), (2, (502, 2)));
}

#[tokio::test]
async fn it_is_not_tried_for_ever() {
    let fresh = TestDatabase::fresh();
    let pair = Pair::open(&fresh).await;
    let mut snapshot = Snapshot::begin(&pair.database).await.unwrap();
    let mut attempts = 0;
    let failure = loop {
        attempts += 1;
        let meanwhile = pair.make_others_anew();
        let attempt = pair.read(snapshot.session(), meanwhile).await;
        match snapshot.settle(attempt).await {
            Ok(settled) => assert_eq!(settled, None),
            Err(failure) => break failure,
        }
    };
    assert_eq!(attempts, 10);
    assert!(failure.driver().unwrap().to_string().contains("snapshot"));
}

#[tokio::test]
async fn another_failure_is_handed_on_at_once() {
    let fresh = TestDatabase::fresh();
    let pair = Pair::open(&fresh).await;
    let mut snapshot = Snapshot::begin(&pair.database).await.unwrap();
    let ones = pair.ones.of_snapshots();
    let absurd = ones.find(doc! {"$absurd": 1}).session(snapshot.session());
    let attempt = absurd.await.map_err(Error::from);
    assert!(attempt.is_err());
    assert!(snapshot.settle(attempt).await.is_err());
}
