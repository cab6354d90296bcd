//! A server that takes connections and says nothing, as behind a network that swallows what is sent.

use std::time::Duration;

use bson::{Document, doc};
use reen_mongo::{Database, Error};
use reen_testkit::{FaultProxy, TestDatabase, eventually};
use secrecy::SecretString;

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3_600);

/// Nobody's deadline ends these: work of its own, as the steps of sagas are.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_a_silent_server_is_told_that_it_is_away() {
    let fresh = TestDatabase::fresh();
    let proxy = FaultProxy::to(fresh.url_text()).await;
    let far = SecretString::from(proxy.through(fresh.url_text()));
    let database = Database::open(&far, "far-away").await.unwrap();
    let documents = database.collection::<Document>("documents");
    documents.insert_one(doc! {"_id": 0}).await.unwrap();
    proxy.delay(NEVER);
    let writing = async { documents.insert_one(doc! {"_id": 1}).await.map(drop) };
    let reading = async { documents.find_one(doc! {}).await.map(drop) };
    let (written, read) = futures::join!(writing, reading);
    for failed in [written, read] {
        let error = Error::from(failed.unwrap_err());
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    }
    proxy.restore();
    eventually("the server to answer", async || {
        documents.insert_one(doc! {"_id": 2}).await.ok()
    })
    .await;
}
