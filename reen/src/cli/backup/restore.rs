use std::cell::RefCell;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use bson::{Document, RawDocumentBuf, doc};
use reen_chassis::config::Environment;
use reen_mongo::{Database, PASSING_COLLECTIONS};
use serde_json::json;

use super::From;
use super::files::Reader;
use super::manifest::{Manifest, SavedCollection, SavedDatabase};
use super::shape::{Collection, Shape};
use super::take::row;
use crate::cli::Said;
use crate::cli::databases::{self, Owned, Owner};
use crate::cli::table::table;
use crate::cli::waiting::with_signs_of_life;

/// What is sent at a time, in documents and in bytes.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// It tells the version of a database, which has none until everything else is there.
const LAST: &str = "migrations";

/// Puts a backup into empty databases.
pub(crate) async fn run(from: &From, environment: &dyn Environment) -> anyhow::Result<Said> {
    let doing = RefCell::new("reading the backup".to_owned());
    let restoring = async {
        let manifest = Manifest::read_and_verify(&from.folder)?;
        let databases = databases::open(&Owner::ALL, environment).await?;
        let pairs = pairs(&databases, &manifest)?;
        // All of them before the first is touched.
        for owned in &databases {
            may_be_filled(owned, from.replace).await?;
        }
        for (owned, saved) in pairs {
            let restoring = restore_database(owned, saved, &from.folder, &doing);
            let owner = owned.owner();
            restoring
                .await
                .with_context(|| format!("the database of {owner}"))?;
        }
        anyhow::Ok(manifest)
    };
    let manifest = with_signs_of_life(restoring, || doing.borrow().clone()).await?;
    let rows: Vec<_> = manifest.databases.iter().map(row).collect();
    let text = format!(
        "{}restored as it was at {}; next: reen migrate status, start the processes, reen verify",
        table(["DATABASE", "VERSION", "COLLECTIONS", "DOCUMENTS"], &rows),
        manifest.moment
    );
    Ok(Said::fine(text, json!(manifest)))
}

/// Each database and what was saved of it.
fn pairs<'a>(
    databases: &'a [Owned],
    manifest: &'a Manifest,
) -> anyhow::Result<Vec<(&'a Owned, &'a SavedDatabase)>> {
    let mut pairs = Vec::new();
    for owned in databases {
        let owner = owned.owner();
        let mut saved = manifest.databases.iter();
        let Some(saved) = saved.find(|saved| saved.owner == owner) else {
            bail!("there is no database of {owner} in the backup");
        };
        if saved.suits > owned.schema.latest() {
            let suits = saved.suits;
            bail!(
                "the backup of {owner} is for programs of version {suits} or later: take a newer reen"
            );
        }
        pairs.push((owned, saved));
    }
    Ok(pairs)
}

async fn may_be_filled(owned: &Owned, replace: bool) -> anyhow::Result<()> {
    let driver = owned.database.driver();
    let mut names = driver.list_collection_names().await?;
    names.retain(|name| !PASSING_COLLECTIONS.contains(&name.as_str()));
    for name in names {
        let collection = driver.collection::<Document>(&name);
        if !replace && collection.find_one(doc! {}).await?.is_some() {
            let owner = owned.owner();
            bail!("the database of {owner} is not empty ({name}); --replace drops what is there");
        }
    }
    Ok(())
}

async fn restore_database(
    owned: &Owned,
    saved: &SavedDatabase,
    folder: &Path,
    doing: &RefCell<String>,
) -> anyhow::Result<()> {
    let shape = fs::read(folder.join(&saved.shape.path))?;
    let mut shape: Shape = bson::deserialize_from_slice(&shape)?;
    shape
        .collections
        .sort_by_key(|collection| collection.name == LAST);
    empty(&owned.database).await?;
    for collection in &shape.collections {
        let name = &collection.name;
        let mut of_name = saved.collections.iter();
        let saved = of_name.find(|saved| saved.name == *name);
        let saved = saved.with_context(|| format!("there is no file of {name}"))?;
        let restoring = restore_collection(owned, collection, saved, folder, doing);
        restoring
            .await
            .with_context(|| format!("the collection {name}"))?;
    }
    Ok(())
}

/// Also collections without documents, which would come with the shape of another version.
async fn empty(database: &Database) -> anyhow::Result<()> {
    for name in database.driver().list_collection_names().await? {
        database
            .driver()
            .collection::<Document>(&name)
            .drop()
            .await?;
    }
    Ok(())
}

async fn restore_collection(
    owned: &Owned,
    collection: &Collection,
    saved: &SavedCollection,
    folder: &Path,
    doing: &RefCell<String>,
) -> anyhow::Result<()> {
    let (owner, name) = (owned.owner(), &collection.name);
    collection.make(&owned.database).await?;
    let documents = owned.database.driver().collection::<RawDocumentBuf>(name);
    let mut reader = Reader::open(&folder.join(&saved.file.path))?;
    let mut restored = 0;
    loop {
        *doing.borrow_mut() = format!("restored {restored} documents of {owner}.{name}");
        let batch = batch(&mut reader)?;
        if batch.is_empty() {
            break;
        }
        restored += u64::try_from(batch.len())?;
        documents.insert_many(batch).await?;
    }
    if restored != saved.documents {
        bail!("{restored} documents were restored of {}", saved.documents);
    }
    *doing.borrow_mut() = format!("making the indexes of {owner}.{name}");
    Ok(collection.make_indexes(&owned.database).await?)
}

fn batch(reader: &mut Reader) -> anyhow::Result<Vec<RawDocumentBuf>> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < BATCH && bytes < BATCH_BYTES {
        let Some(document) = reader.next()? else {
            break;
        };
        bytes += document.as_bytes().len();
        batch.push(document);
    }
    Ok(batch)
}
