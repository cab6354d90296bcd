//! What a call has no time for any more ends on the server.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::time::{Duration, Instant};

use bson::{Document, doc};
use reen_chassis::CallContext;
use reen_error::{Code, Coded as _};
use reen_mongo::{Collection, Database, Error, Group, Together, Transaction, update_each};
use reen_testkit::{TestDatabase, eventually};

/// Long enough that only the deadline ends what is slow.
const FOR_EVER_MS: u32 = 60_000;
const DEADLINE: Duration = Duration::from_millis(200);

/// A filter that the server works on for ever, and by which it is recognised.
fn slow_filter(mark: &str) -> Document {
    doc! {"$where": format!("sleep({FOR_EVER_MS}) || '{mark}'")}
}

async fn within_deadline<F: Future>(work: F) -> F::Output {
    let context = CallContext {
        deadline: Some(Instant::now() + DEADLINE),
        ..CallContext::default()
    };
    context.scope(work).await
}

/// How many operations with this mark the server is working on.
async fn at_work(database: &Database, mark: &str) -> usize {
    let admin = database.client().database("admin");
    let all = doc! {"currentOp": true, "active": true};
    let answer = admin.run_command(all).await.unwrap();
    let operations = answer.get_array("inprog").unwrap();
    let marked = operations.iter().filter(|each| {
        let text = each.to_string();
        text.contains(mark) && text.contains("sleep(")
    });
    marked.count()
}

async fn some(database: &Database) -> Collection<Document> {
    let documents = database.collection("documents");
    documents.insert_one(doc! {"_id": 1}).await.unwrap();
    documents
}

/// Runs `slow` within the deadline, and waits until the server has nothing to do with it any more.
async fn ends_on_the_server<T>(
    mark: &str,
    slow: impl AsyncFnOnce(&Database, Collection<Document>, Document) -> Result<T, Error>,
) {
    let test = TestDatabase::fresh();
    let database = test.open().await;
    let documents = some(&database).await;
    let begun = Instant::now();
    let refused = within_deadline(slow(&database, documents, slow_filter(mark))).await;
    let refused = refused.err().unwrap();
    assert!(matches!(refused, Error::TooLate(_)), "{mark}: {refused:?}");
    assert_eq!(refused.code(), Code::DeadlineExceeded, "{mark}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{mark}");
    eventually("the server to stop", async || {
        (at_work(&database, mark).await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_search_ends() {
    ends_on_the_server("find_one", async |_, documents, slow| {
        Ok(documents.find_one(slow).await?)
    })
    .await;
    ends_on_the_server("find", async |_, documents, slow| {
        Ok(documents.find(slow).await?)
    })
    .await;
    ends_on_the_server("aggregate", async |_, documents, _| {
        let many = (2..200).map(|id| doc! {"_id": id});
        documents.insert_many(many).await?;
        // A pipeline takes no `$where`, and its functions are not interrupted, but the next is not begun.
        let body = "function() { return sleep(250) || 'aggregate' }";
        let function = doc! {"body": body, "args": [], "lang": "js"};
        let slow = doc! {"$match": {"$expr": {"$function": function}}};
        Ok(documents.aggregate([slow]).await?)
    })
    .await;
    ends_on_the_server("count", async |_, documents, slow| {
        documents.count(slow).await
    })
    .await;
    ends_on_the_server("find_one_and_delete", async |_, documents, slow| {
        Ok(documents.find_one_and_delete(slow).await?)
    })
    .await;
}

#[tokio::test]
async fn a_change_ends() {
    ends_on_the_server("find_one_and_update", async |_, documents, slow| {
        let change = doc! {"$set": {"a": 1}};
        Ok(documents.find_one_and_update(slow, change).await?)
    })
    .await;
}

#[tokio::test]
async fn a_transaction_ends() {
    ends_on_the_server("update_each", async |database, documents, slow| {
        let mut transaction = Transaction::begin(database).await?;
        let update = doc! {"q": slow, "u": {"$set": {"a": 1}}};
        let attempt = update_each(transaction.session(), &documents, vec![update]).await;
        transaction.settle(attempt).await
    })
    .await;
    ends_on_the_server(
        "find in a transaction",
        async |database, documents, slow| {
            let mut transaction = Transaction::begin(database).await?;
            let finding = documents.find_one(slow).session(transaction.session());
            let attempt = finding.await.map_err(Error::from);
            transaction.settle(attempt).await
        },
    )
    .await;
}

#[tokio::test]
async fn what_is_done_together_ends_when_nobody_waits_for_it_any_more() {
    struct Search(Collection<Document>);

    impl Together for Search {
        type Job = Document;
        type Answer = ();
        type Error = Error;

        async fn together(&self, jobs: &[Document]) -> Result<Vec<()>, Error> {
            for job in jobs {
                self.alone(job).await?;
            }
            Ok(vec![(); jobs.len()])
        }

        async fn alone(&self, job: &Document) -> Result<(), Error> {
            self.0.find_one(job.clone()).await?;
            Ok(())
        }
    }

    ends_on_the_server("together", async |_, documents, slow| {
        Group::start(Search(documents)).submit(slow).await
    })
    .await;
}

#[tokio::test]
async fn what_nobody_waits_for_has_no_limit() {
    let test = TestDatabase::fresh();
    let database = test.open().await;
    let documents = some(&database).await;
    let slower_than_any_deadline = doc! {"$where": "sleep(300) || true"};
    let found = documents.find_one(slower_than_any_deadline).await;
    assert!(found.unwrap().is_some());
}
