//! Migrations: each is done once, whoever comes and whoever dies, and a program knows when not to work.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bson::{DateTime, Document, doc};
use futures::future::{BoxFuture, join_all};
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use reen_chassis::admin::Dependency as _;
use reen_mongo::{
    Collection, Database, Error, Holder, Indexes, Migration, Misfit, Schema, Standing, Until,
};
use reen_testkit::{ANY_PORT, TestDatabase, eventually};
use tokio::net::{TcpListener, TcpStream as TokioStream};

const THINGS: &str = "things";

/// What the rewrites of a test have done, in their order.
fn diary(database: &Database) -> Collection<Document> {
    database.collection("diary")
}

async fn entries(database: &Database) -> u64 {
    diary(database).count_documents(doc! {}).await.unwrap()
}

fn write_once(database: &Database) -> BoxFuture<'_, Result<u64, Error>> {
    Box::pin(async {
        diary(database).insert_one(doc! {}).await?;
        Ok(1)
    })
}

/// Comes to its end when somebody opens the gate.
fn write_and_wait(database: &Database) -> BoxFuture<'_, Result<u64, Error>> {
    Box::pin(async {
        write_once(database).await?;
        while gate(database).find_one(doc! {}).await?.is_none() {
            tokio::task::yield_now().await;
        }
        Ok(1)
    })
}

fn gate(database: &Database) -> Collection<Document> {
    database.collection("gate")
}

fn index(field: &str) -> IndexModel {
    IndexModel::builder().keys(doc! {field: 1}).build()
}

fn three() -> Vec<Migration> {
    vec![
        Migration::expanding(1, "a").indexes(Indexes::of(THINGS, [index("a"), index("old")])),
        Migration::expanding(2, "rewritten").rewrite("write-once", write_once),
        Migration::contracting(3, "without-old", 2).without_index(THINGS, "old_1"),
    ]
}

/// The program that knows so many of the three, and needs so many.
fn program(knows: usize, needs: u32) -> Schema {
    Schema::new("test", needs, three().into_iter().take(knows).collect())
}

async fn version(database: &Database) -> u32 {
    Standing::read(database).await.unwrap().version()
}

async fn migrate(schema: &Schema, database: &Database, until: Until) -> Vec<u32> {
    let applied = schema.migrate(database, until, |_| {}).await.unwrap();
    applied.iter().map(|applied| applied.version).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_processes_migrate_each_migration_is_done_once() {
    let fresh = TestDatabase::fresh();
    let replicas = join_all((0..5).map(|_| fresh.open())).await;
    let schema = program(3, 2);
    let all = replicas
        .iter()
        .map(|it| migrate(&schema, it, Until::LATEST));
    let mut applied: Vec<u32> = join_all(all).await.concat();
    applied.sort_unstable();
    assert_eq!(applied, [1, 2, 3]);
    let database = &replicas[0];
    assert_eq!(entries(database).await, 1);
    let standing = Standing::read(database).await.unwrap();
    let names: Vec<&str> = standing.applied.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["a", "rewritten", "without-old"]);
    assert_eq!(standing.applied[1].changed, 1);
    assert_eq!(schema.drift(database, &standing).await.unwrap(), []);
    assert_eq!(Holder::find(database).await.unwrap(), None);
}

#[tokio::test]
async fn what_takes_something_away_waits_until_it_is_asked_for() {
    let fresh = TestDatabase::fresh();
    let database = fresh.open().await;
    let schema = program(3, 2);
    let to_one = Until {
        version: Some(1),
        contracting: true,
    };
    assert_eq!(migrate(&schema, &database, to_one).await, [1]);
    assert_eq!(migrate(&schema, &database, Until::default()).await, [2]);
    assert_eq!(migrate(&schema, &database, Until::default()).await, [0; 0]);
    assert_eq!(migrate(&schema, &database, Until::LATEST).await, [3]);
}

#[tokio::test]
async fn a_program_does_not_work_with_a_database_that_is_too_old_or_too_new() {
    let fresh = TestDatabase::fresh();
    let database = fresh.open().await;
    let (older, newer) = (program(1, 1), program(3, 2));
    migrate(&older, &database, Until::LATEST).await;
    let standing = Standing::read(&database).await.unwrap();
    let expected = Misfit::TooOld {
        owner: "test",
        version: 1,
        needs: 2,
    };
    assert_eq!(newer.judge(&standing), Err(expected));

    // Both run side by side on what was only expanded.
    let admin = TcpListener::bind(ANY_PORT).await.unwrap();
    let preparing = older.clone().prepare(database, false, &admin);
    let older_at_work = preparing.await.unwrap();
    migrate(&newer, &older_at_work, Until::default()).await;
    let standing = Standing::read(&older_at_work).await.unwrap();
    assert_eq!(
        (older.judge(&standing), newer.judge(&standing)),
        (Ok(()), Ok(()))
    );
    assert_eq!(older_at_work.check().await, Ok(()));

    migrate(&newer, &older_at_work, Until::LATEST).await;
    let problem = older_at_work.check().await.unwrap_err();
    let told = "the database of test has version 3, for programs of version 2 or later, and this one knows 1";
    assert!(problem.starts_with(told), "{problem}");
    let started = older.prepare(fresh.open().await, true, &admin).await;
    assert!(matches!(started, Err(Error::Misfit(Misfit::TooNew { .. }))));
}

/// What the admin listener says of the readiness; a status line and a body.
async fn readiness(address: SocketAddr) -> String {
    let asking = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address)?;
        let request = "GET /health/ready HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes())?;
        std::io::read_to_string(stream)
    });
    asking.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_process_that_does_not_migrate_is_not_ready_until_somebody_has() {
    let fresh = TestDatabase::fresh();
    let schema = program(3, 2);
    let admin = TcpListener::bind(ANY_PORT).await.unwrap();
    let address = admin.local_addr().unwrap();
    let starting = tokio::spawn({
        let (schema, database) = (schema.clone(), fresh.open().await);
        async move {
            let database = schema.prepare(database, false, &admin).await;
            (database.unwrap(), admin)
        }
    });
    let said = readiness(address).await;
    assert!(said.starts_with("HTTP/1.1 503"), "{said}");
    let told = "the database of test has version 0, and this program needs 2: type";
    assert!(said.contains(told), "{said}");

    migrate(&schema, &fresh.open().await, Until::LATEST).await;
    let (database, admin) = starting.await.unwrap();
    assert_eq!(database.check().await, Ok(()));
    // The listener is the process's own again.
    let (asked, answered) = tokio::join!(TokioStream::connect(address), admin.accept());
    assert!(asked.is_ok() && answered.is_ok());
}

#[tokio::test]
async fn whoever_lost_its_lease_changes_nothing_any_more() {
    let fresh = TestDatabase::fresh();
    let database = fresh.open().await;
    let slow = vec![Migration::expanding(1, "slow").rewrite("write-and-wait", write_and_wait)];
    let slow = Schema::new("test", 1, slow);
    let lost = tokio::spawn({
        let (schema, database) = (slow.clone(), fresh.open().await);
        async move { migrate(&schema, &database, Until::LATEST).await }
    });
    eventually("the first at work", async || {
        (entries(&database).await == 1).then_some(())
    })
    .await;
    assert!(Holder::find(&database).await.unwrap().is_some());
    // As if nothing had been heard of it for too long.
    let locks = database.collection::<Document>("migration_lock");
    let over = doc! {"$set": {"until": DateTime::from_millis(0)}};
    locks.update_one(doc! {}, over).await.unwrap();
    let takes_over = tokio::spawn({
        let (schema, database) = (slow.clone(), fresh.open().await);
        async move { migrate(&schema, &database, Until::LATEST).await }
    });
    eventually("the second at work", async || {
        (entries(&database).await == 2).then_some(())
    })
    .await;
    gate(&database).insert_one(doc! {}).await.unwrap();
    assert_eq!(takes_over.await.unwrap(), [1]);
    assert_eq!(lost.await.unwrap(), [0; 0]);
    assert_eq!(version(&database).await, 1);
}

#[tokio::test]
async fn a_migration_that_fails_is_begun_anew() {
    let fresh = TestDatabase::fresh();
    let database = fresh.open().await;
    let things = database.collection::<Document>(THINGS);
    let twins = [doc! {"a": 1}, doc! {"a": 1}];
    things.insert_many(twins).await.unwrap();
    let unique = IndexOptions::builder().unique(true).build();
    let mut model = index("a");
    model.options = Some(unique);
    let steps = Migration::expanding(1, "unique").indexes(Indexes::of(THINGS, [model]));
    let schema = Schema::new("test", 1, vec![steps]);
    let failed = schema.migrate(&database, Until::LATEST, |_| {}).await;
    assert!(failed.unwrap_err().is_duplicate_key());
    assert_eq!(version(&database).await, 0);
    things.delete_one(doc! {"a": 1}).await.unwrap();
    // The lock is free at once.
    let again = tokio::time::timeout(Duration::from_secs(5), async {
        migrate(&schema, &database, Until::LATEST).await
    });
    assert_eq!(again.await.unwrap(), [1]);
}

#[tokio::test]
async fn indexes_that_no_migration_made_or_that_are_gone_are_named() {
    let fresh = TestDatabase::fresh();
    let schema = program(2, 2);
    let database = fresh.migrated(&schema).await;
    let things = database.collection::<Document>(THINGS);
    things.drop_index("a_1").await.unwrap();
    things.drop_index("old_1").await.unwrap();
    let sparse = IndexOptions::builder().sparse(true).build();
    let mut other = index("old");
    other.options = Some(sparse);
    things.create_index(other).await.unwrap();
    things.create_index(index("by_hand")).await.unwrap();
    let standing = Standing::read(&database).await.unwrap();
    let drift = schema.drift(&database, &standing).await.unwrap();
    let told: Vec<String> = drift.iter().map(ToString::to_string).collect();
    let expected = [
        "things.old_1 has other keys or options",
        "things.by_hand_1 is of no migration",
        "things.a_1 is missing",
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_migration_that_was_changed_since_is_told_by_its_digest() {
    let fresh = TestDatabase::fresh();
    let database = fresh.migrated(&program(1, 1)).await;
    let applied = Standing::read(&database).await.unwrap().applied;
    assert!(!applied[0].differs_from(&three()[0]).unwrap());
    let other = Migration::expanding(1, "a").indexes(Indexes::of(THINGS, [index("b")]));
    assert!(applied[0].differs_from(&other).unwrap());
}
