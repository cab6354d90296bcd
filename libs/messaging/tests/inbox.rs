//! An event counts once, together with what came of it.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use bson::{Document, doc};
use futures::TryStreamExt as _;
use futures::future::join_all;
use mongodb::ClientSession;
use reen_messaging::{Event, Inbox, Noted};
use reen_mongo::{Database, Error, Transaction};
use reen_testkit::TestDatabase;

fn event(id: &str) -> Event {
    Event {
        provider: "stripe".to_owned(),
        id: id.to_owned(),
        kind: "charge.refunded".to_owned(),
        body: b"{\"raw\": true}".to_vec(),
    }
}

/// Notes the event and counts it, in one transaction.
async fn take_in(database: &Database, inbox: &Inbox, event: &Event) -> Result<bool, Error> {
    let mut transaction = Transaction::begin(database).await?;
    loop {
        let attempt = take_in_once(transaction.session(), database, inbox, event).await;
        if let Some(is_new) = transaction.settle(attempt).await? {
            return Ok(is_new);
        }
    }
}

async fn take_in_once(
    session: &mut ClientSession,
    database: &Database,
    inbox: &Inbox,
    event: &Event,
) -> Result<bool, Error> {
    let is_new = inbox.note(&mut *session, event, Noted::For("saga")).await?;
    if is_new {
        let counters = database.collection::<Document>("counters");
        counters
            .update_one(doc! {"_id": "effects"}, doc! {"$inc": {"count": 1}})
            .upsert(true)
            .session(session)
            .await?;
    }
    Ok(is_new)
}

async fn noted(database: &Database) -> Vec<Document> {
    let inbox = database.collection::<Document>("inbox");
    let found = inbox.find(doc! {}).sort(doc! {"_id": 1}).await.unwrap();
    found.try_collect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_deliveries_at_once_one_has_the_effect() {
    let fresh = TestDatabase::fresh();
    let database = fresh.open().await;
    let inbox = Inbox::open(&database);
    for round in 0..10 {
        let event = event(&format!("evt_{round}"));
        let taken = join_all((0..16).map(|_| take_in(&database, &inbox, &event))).await;
        let taken: Vec<bool> = taken.into_iter().map(Result::unwrap).collect();
        assert_eq!(taken.iter().filter(|is_new| **is_new).count(), 1);
    }
    let counters = database.collection::<Document>("counters");
    let effects = counters.find_one(doc! {}).await.unwrap().unwrap();
    assert_eq!(effects.get_i32("count").unwrap(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_noted_keeps_the_raw_body_and_what_came_of_it() {
    let fresh = TestDatabase::fresh();
    let database = fresh.open().await;
    let inbox = Inbox::open(&database);
    assert!(take_in(&database, &inbox, &event("1")).await.unwrap());
    let ignored = Noted::Ignored("not ours");
    assert!(inbox.note_alone(&event("2"), ignored).await.unwrap());
    assert!(!inbox.note_alone(&event("2"), ignored).await.unwrap());
    assert!(!inbox.note_alone(&event("1"), ignored).await.unwrap());
    let noted = noted(&database).await;
    assert_eq!(noted.len(), 2);
    assert_eq!(noted[0].get_str("_id").unwrap(), "stripe:1");
    assert_eq!(noted[0].get_str("kind").unwrap(), "charge.refunded");
    assert_eq!(
        noted[0].get_binary_generic("body").unwrap(),
        b"{\"raw\": true}"
    );
    assert_eq!(noted[0].get_str("sagaId").unwrap(), "saga");
    assert!(noted[0].get_datetime("receivedAt").is_ok());
    assert_eq!(noted[1].get_str("ignored").unwrap(), "not ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_effect_leaves_its_event_to_be_taken_in_again() {
    let fresh = TestDatabase::fresh();
    let database = fresh.open().await;
    let inbox = Inbox::open(&database);
    let mut transaction = Transaction::begin(&database).await.unwrap();
    let event = event("1");
    let note = inbox.note(transaction.session(), &event, Noted::For("saga"));
    assert!(note.await.unwrap());
    drop(transaction);
    assert!(take_in(&database, &inbox, &event).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_of_another_provider_is_another_event() {
    let fresh = TestDatabase::fresh();
    let database = fresh.open().await;
    let inbox = Inbox::open(&database);
    let of_clerk = Event {
        provider: "clerk".to_owned(),
        ..event("1")
    };
    assert!(take_in(&database, &inbox, &event("1")).await.unwrap());
    assert!(take_in(&database, &inbox, &of_clerk).await.unwrap());
}
