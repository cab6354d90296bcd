use bson::{DateTime, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;
use serde::{Deserialize, Serialize};

use super::Migration;
use crate::{Collection, Database, Error};

pub(crate) const COLLECTION: &str = "migrations";

/// A migration as a database remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// Its number.
    #[serde(rename = "_id")]
    pub version: u32,
    /// What it was called.
    pub name: String,
    /// The oldest program that can live with it; 0: any.
    pub suits: u32,
    /// What it did, as [`Migration::digest`] had it.
    pub digest: String,
    /// When it was done.
    pub applied_at: DateTime,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// How many documents it changed.
    pub changed: i64,
}

impl Applied {
    /// Whether the program's migration of this number does something else by now.
    ///
    /// # Errors
    /// See [`Migration::digest`].
    pub fn differs_from(&self, migration: &Migration) -> Result<bool, Error> {
        Ok(self.digest != migration.digest()?)
    }
}

fn records(database: &Database) -> Collection<Applied> {
    database.collection(COLLECTION)
}

/// All that were applied, the first one first.
pub(super) async fn read(database: &Database) -> Result<Vec<Applied>, Error> {
    let found = records(database)
        .find(doc! {})
        .sort(doc! {"_id": 1})
        .await?;
    Ok(found.try_collect().await?)
}

pub(super) async fn note(
    database: &Database,
    session: &mut ClientSession,
    applied: &Applied,
) -> Result<(), Error> {
    let records = records(database);
    records.insert_one(applied).session(session).await?;
    Ok(())
}
