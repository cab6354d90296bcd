use bson::{Bson, Document, doc};
use mongodb::Client;
use reen_mongo::{Database, Schema, Standing, Until};
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

use crate::Backends;

/// A database of its own for one test, dropped with it.
pub struct TestDatabase {
    url: String,
    name: String,
}

impl TestDatabase {
    /// A fresh, empty database.
    #[must_use]
    pub fn fresh() -> Self {
        let name = format!("test_{}", Uuid::new_v4().simple());
        let mut url = Url::parse(&Backends::find().mongo).expect("a MongoDB URL");
        url.set_path(&name);
        Self {
            url: url.to_string(),
            name,
        }
    }

    /// The URL that names it, as a service reads it.
    #[must_use]
    pub fn url(&self) -> SecretString {
        SecretString::from(self.url.clone())
    }

    /// The same, as text for an environment.
    #[must_use]
    pub fn url_text(&self) -> &str {
        &self.url
    }

    /// Opens it.
    ///
    /// # Panics
    /// When MongoDB is away.
    pub async fn open(&self) -> Database {
        Database::open(&self.url(), "test")
            .await
            .expect("MongoDB answers")
    }

    /// Opens it, with everything done to it that a schema lists.
    ///
    /// # Panics
    /// When MongoDB is away, or a migration fails.
    pub async fn migrated(&self, schema: &Schema) -> Database {
        let database = self.open().await;
        let migrating = schema.migrate(&database, Until::LATEST, |_| {});
        migrating.await.expect("every migration works");
        database
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (url, name) = (self.url.clone(), self.name.clone());
        // The test's own runtime is ending, so the database is dropped from one of its own.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let client = Client::with_uri_str(&url)
                    .await
                    .map_err(std::io::Error::other)?;
                client
                    .database(&name)
                    .drop()
                    .await
                    .map_err(std::io::Error::other)
            })
        });
        let _left_behind_if_it_failed = dropping.join();
    }
}

/// Fails when the migrations are not numbered one after the other, do not work on an empty database, or leave
/// indexes there that none of them has made.
///
/// # Panics
/// As said.
pub async fn assert_sound(schema: &Schema) {
    let numbers = schema.migrations().iter().map(|it| it.version());
    assert!(
        numbers.eq(1..=schema.latest()),
        "numbered 1, 2, 3 and so on"
    );
    assert!(schema.needs() <= schema.latest());
    let fresh = TestDatabase::fresh();
    let database = fresh.migrated(schema).await;
    let standing = Standing::read(&database).await.expect("MongoDB answers");
    assert_eq!(standing.version(), schema.latest());
    let drift = schema.drift(&database, &standing).await;
    assert_eq!(drift.expect("MongoDB answers"), []);
    let again = schema.migrate(&database, Until::LATEST, |_| {}).await;
    assert_eq!(again.expect("MongoDB answers"), [], "applied once");
}

/// Reading everything; sorting in memory; and what is planned for a collection that is not there,
/// which would prove nothing.
const REFUSED: [&str; 3] = ["COLLSCAN", "SORT", "EOF"];

/// Fails when MongoDB would answer `filter` (sorted by `sort`) by reading the whole collection.
///
/// # Panics
/// When the winning plan has a collection scan, or no plan can be had.
pub async fn assert_uses_index(
    database: &Database,
    collection: &str,
    filter: Document,
    sort: Document,
) {
    let find = doc! {"find": collection, "filter": filter.clone(), "sort": sort};
    let explain = doc! {"explain": find, "verbosity": "queryPlanner"};
    let answer = database
        .driver()
        .run_command(explain)
        .await
        .expect("explain answers");
    let planner = answer.get_document("queryPlanner").expect("a query plan");
    let plan = planner.get("winningPlan").expect("a winning plan");
    let stages = stages(plan);
    assert!(!stages.is_empty(), "no stages in {plan}");
    assert!(
        !stages.iter().any(|stage| REFUSED.contains(&stage.as_str())),
        "{collection} {filter}: no index serves this query: {stages:?}"
    );
}

fn stages(plan: &Bson) -> Vec<String> {
    match plan {
        Bson::Document(document) => document
            .iter()
            .flat_map(|(key, value)| match (key.as_str(), value) {
                ("stage", Bson::String(stage)) => vec![stage.clone()],
                _ => stages(value),
            })
            .collect(),
        Bson::Array(plans) => plans.iter().flat_map(stages).collect(),
        _ => Vec::new(),
    }
}
