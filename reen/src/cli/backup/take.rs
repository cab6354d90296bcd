use std::cell::RefCell;
use std::path::Path;

use anyhow::{Context as _, bail};
use bson::{Document, RawDocumentBuf, Timestamp, doc};
use chrono::{DateTime, SecondsFormat};
use mongodb::ClientSession;
use mongodb::error::ErrorKind;
use mongodb::options::SessionOptions;
use reen_chassis::config::Environment;
use reen_mongo::{Database, Standing};
use serde_json::json;

use super::Into;
use super::files::{self, Writer};
use super::manifest::{Manifest, SavedCollection, SavedDatabase, SavedFile};
use super::shape::Shape;
use crate::cli::Said;
use crate::cli::databases::{self, Owned, Owner};
use crate::cli::table::table;
use crate::cli::waiting::with_signs_of_life;

const SNAPSHOT_TOO_OLD: i32 = 239;
const SNAPSHOT_UNAVAILABLE: i32 = 246;
/// How often it is looked whether anything is being made.
const MOST_LOOKS: usize = 10;
/// A sign of life names so many documents more.
const COUNTED: u64 = 1_000;

/// Saves all databases as they are at one moment, and says what was saved.
pub(crate) async fn run(into: &Into, environment: &dyn Environment) -> anyhow::Result<Said> {
    let folder = into.folder.as_path();
    let doing = RefCell::new("opening the databases".to_owned());
    let saving = async {
        let databases = databases::open(&Owner::ALL, environment).await?;
        files::make_folder(folder)?;
        Backup::begin(folder, &databases, &doing)
            .await?
            .save()
            .await
    };
    let manifest = with_signs_of_life(saving, || doing.borrow().clone()).await?;
    let rows: Vec<_> = manifest.databases.iter().map(row).collect();
    let folder = folder.display();
    let text = format!(
        "{}saved in {folder} as it was at {}; AUTH_SECRETS_KEY is not in it: keep it elsewhere",
        table(["DATABASE", "VERSION", "COLLECTIONS", "DOCUMENTS"], &rows),
        manifest.moment
    );
    Ok(Said::fine(text, json!(manifest)))
}

pub(super) fn row(database: &SavedDatabase) -> [String; 4] {
    [
        database.owner.clone(),
        database.version.to_string(),
        database.collections.len().to_string(),
        database.documents().to_string(),
    ]
}

/// A backup at work.
struct Backup<'a> {
    folder: &'a Path,
    /// What there is was listed before the moment, so that all of it was there then.
    databases: Vec<(&'a Owned, Shape)>,
    moment: Timestamp,
    doing: &'a RefCell<String>,
}

impl<'a> Backup<'a> {
    async fn begin(
        folder: &'a Path,
        databases: &'a [Owned],
        doing: &'a RefCell<String>,
    ) -> anyhow::Result<Self> {
        check_cluster(databases).await?;
        for _ in 0..MOST_LOOKS {
            let shapes = shapes_of(databases).await?;
            let moment = moment_of(databases, &shapes).await?;
            // What was made in between is there at the moment, and was not listed.
            if shapes_of(databases).await? == shapes {
                return Ok(Self {
                    folder,
                    databases: databases.iter().zip(shapes).collect(),
                    moment,
                    doing,
                });
            }
        }
        bail!(
            "collections or indexes are being made: take the backup when the migration has ended, see `reen migrate status`"
        )
    }

    async fn save(self) -> anyhow::Result<Manifest> {
        let mut saved = Vec::new();
        for (owned, shape) in &self.databases {
            let owner = owned.owner();
            let database = self.save_database(owned, shape).await;
            saved.push(database.with_context(|| format!("the database of {owner}"))?);
        }
        let manifest = Manifest::new(rfc3339(self.moment), saved);
        manifest.write(self.folder)?;
        Ok(manifest)
    }

    async fn save_database(&self, owned: &Owned, shape: &Shape) -> anyhow::Result<SavedDatabase> {
        let owner = owned.owner();
        files::make_folder(&self.folder.join(owner))?;
        let path = format!("{owner}/shape.bson");
        let sha256 = files::write_whole(&self.folder.join(&path), &bson::serialize_to_vec(shape)?)?;
        let standing = Standing::read(&owned.database).await?;
        let mut session = at(&owned.database, self.moment).await?;
        let mut collections = Vec::new();
        for collection in &shape.collections {
            let name = collection.name.as_str();
            let saving = self.save_collection(owned, name, &mut session);
            let saved = saving.await.map_err(explained);
            collections.push(saved.with_context(|| format!("the collection {name}"))?);
        }
        Ok(SavedDatabase {
            owner: owner.to_owned(),
            version: standing.version(),
            suits: standing.suits(),
            shape: SavedFile { path, sha256 },
            collections,
        })
    }

    async fn save_collection(
        &self,
        owned: &Owned,
        name: &str,
        session: &mut ClientSession,
    ) -> anyhow::Result<SavedCollection> {
        let owner = owned.owner();
        let path = format!("{owner}/{name}.bson.gz");
        let mut writer = Writer::create(&self.folder.join(&path))?;
        let documents = owned.database.collection::<RawDocumentBuf>(name);
        let documents = documents.of_snapshots();
        let mut found = documents.find(doc! {}).session(&mut *session).await?;
        while found.advance(&mut *session).await? {
            if writer.documents.is_multiple_of(COUNTED) {
                let sign = format!("saved {} documents of {owner}.{name}", writer.documents);
                *self.doing.borrow_mut() = sign;
            }
            writer.write(found.current())?;
        }
        let (documents, bytes) = (writer.documents, writer.bytes);
        let sha256 = writer.finish()?;
        Ok(SavedCollection {
            name: name.to_owned(),
            documents,
            bytes,
            file: SavedFile { path, sha256 },
        })
    }
}

/// All of one replica set, whose moments mean the same to all of them.
async fn check_cluster(databases: &[Owned]) -> anyhow::Result<()> {
    let mut first: Option<(&Owned, Document)> = None;
    for owned in databases {
        let cluster = cluster(&owned.database).await?;
        match &first {
            Some((other, of_other)) if *of_other != cluster => bail!(
                "the databases of {} and {} are not of one replica set, and so have no moment in common",
                other.owner(),
                owned.owner()
            ),
            Some(_) => {}
            None => first = Some((owned, cluster)),
        }
    }
    Ok(())
}

async fn shapes_of(databases: &[Owned]) -> anyhow::Result<Vec<Shape>> {
    let mut shapes = Vec::with_capacity(databases.len());
    for owned in databases {
        shapes.push(Shape::of(&owned.database).await?);
    }
    Ok(shapes)
}

/// A moment of the past at which all that was listed was there already.
async fn moment_of(databases: &[Owned], shapes: &[Shape]) -> anyhow::Result<Timestamp> {
    let mut collections = databases.iter().zip(shapes).flat_map(|(owned, shape)| {
        let collections = shape.collections.iter();
        collections.map(|collection| (&owned.database, collection.name.as_str()))
    });
    let (database, name) = collections.next().context("there is nothing to save")?;
    let mut session = database.client().start_session().snapshot(true).await?;
    let documents = database.collection::<Document>(name).of_snapshots();
    let _whatever_is_there = documents.find_one(doc! {}).session(&mut session).await?;
    session
        .snapshot_time()
        .context("MongoDB has named no moment")
}

async fn cluster(database: &Database) -> anyhow::Result<Document> {
    let said = database.driver().run_command(doc! {"hello": 1}).await?;
    let told = |key: &str| said.get(key).cloned();
    Ok(doc! {"set": told("setName"), "hosts": told("hosts")})
}

/// A session that reads what was there at a moment.
async fn at(
    database: &Database,
    moment: Timestamp,
) -> Result<ClientSession, mongodb::error::Error> {
    let mut then = SessionOptions::default();
    then.snapshot = Some(true);
    then.snapshot_time = Some(moment);
    database.client().start_session().with_options(then).await
}

/// What to do about a moment that is over.
fn explained(error: anyhow::Error) -> anyhow::Error {
    let failed = error.downcast_ref::<mongodb::error::Error>();
    match failed.map(|failed| &*failed.kind) {
        Some(ErrorKind::Command(command)) if command.code == SNAPSHOT_TOO_OLD => error.context(
            "MongoDB has forgotten what was there when the backup began: raise \
             minSnapshotHistoryWindowInSeconds, see docs/operations.md",
        ),
        Some(ErrorKind::Command(command)) if command.code == SNAPSHOT_UNAVAILABLE => error.context(
            "a collection was made when the backup began: remove what there is of it, and take it again",
        ),
        _ => error,
    }
}

fn rfc3339(moment: Timestamp) -> String {
    let moment = DateTime::from_timestamp(i64::from(moment.time), 0).unwrap_or_default();
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
