use std::fmt;

use bson::{Document, doc};
use futures::TryStreamExt as _;
use mongodb::IndexModel;
use mongodb::error::ErrorKind;
use mongodb::options::IndexOptions;

use super::{OWN_COLLECTIONS, Schema, Standing};
use crate::{Database, Error};

const OF_EVERY_COLLECTION: &str = "_id_";
/// Listed as a collection, and without indexes.
const COMMAND_NOT_SUPPORTED_ON_VIEW: i32 = 166;
const NAMESPACE_NOT_FOUND: i32 = 26;

/// An index that is not as the migrations have made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The collection.
    pub collection: String,
    /// The index's name.
    pub index: String,
    /// In what way.
    pub how: Deviation,
}

/// In what way an index deviates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deviation {
    /// A migration made it, and it is gone.
    Missing,
    /// No migration made it, and no pending one makes or drops it.
    Unknown,
    /// It has other keys or options than the migration gave it.
    Different,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.how {
            Deviation::Missing => "is missing",
            Deviation::Unknown => "is of no migration",
            Deviation::Different => "has other keys or options",
        };
        write!(f, "{}.{} {how}", self.collection, self.index)
    }
}

impl Schema {
    /// What differs between the indexes of a database and those that its migrations have made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drift(
        &self,
        database: &Database,
        standing: &Standing,
    ) -> Result<Vec<Drift>, Error> {
        let mut expected = self.indexes_at(standing.version());
        let mut drift = Vec::new();
        let mut collections = database.driver().list_collection_names().await?;
        collections.retain(|name| !OWN_COLLECTIONS.contains(&name.as_str()));
        collections.sort();
        for collection in collections {
            for found in indexes_of(database, &collection).await? {
                let index = name_of(&found);
                let how = match expected.remove(&(collection.clone(), index.clone())) {
                    None if index == OF_EVERY_COLLECTION => continue,
                    None if self.will_settle(standing, &collection, &index) => continue,
                    None => Deviation::Unknown,
                    Some(model) if is_same(model, &found) => continue,
                    Some(_) => Deviation::Different,
                };
                let collection = collection.clone();
                drift.push(Drift {
                    collection,
                    index,
                    how,
                });
            }
        }
        let missing = expected.into_keys().map(|(collection, index)| Drift {
            collection,
            index,
            how: Deviation::Missing,
        });
        drift.extend(missing);
        Ok(drift)
    }
}

async fn indexes_of(database: &Database, collection: &str) -> Result<Vec<IndexModel>, Error> {
    let collection = database.collection::<Document>(collection);
    match collection.list_indexes().await {
        Ok(found) => Ok(found.try_collect().await?),
        Err(error) if has_no_indexes(&error) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// It is a view, or was dropped since it was listed.
fn has_no_indexes(error: &mongodb::error::Error) -> bool {
    let codes = [COMMAND_NOT_SUPPORTED_ON_VIEW, NAMESPACE_NOT_FOUND];
    matches!(&*error.kind, ErrorKind::Command(command) if codes.contains(&command.code))
}

/// Its own name, or the one that the driver gives to an index without one.
pub(super) fn name_of(model: &IndexModel) -> String {
    let named = model.options.as_ref().and_then(|it| it.name.clone());
    named.unwrap_or_else(|| {
        let keys = model.keys.iter().map(|(key, value)| match value.as_str() {
            Some(kind) => format!("{key}_{kind}"),
            None => format!("{key}_{value}"),
        });
        keys.collect::<Vec<_>>().join("_")
    })
}

fn is_same(declared: &IndexModel, found: &IndexModel) -> bool {
    // Documents are equal in any order; of an index the order is what it is for.
    declared.keys.iter().eq(found.keys.iter()) && options_of(declared) == options_of(found)
}

/// Those that change what an index does, as far as any migration sets them.
fn options_of(model: &IndexModel) -> Document {
    let none = IndexOptions::default();
    let options = model.options.as_ref().unwrap_or(&none);
    let forgets_after = options
        .expire_after
        .map(|after| after.as_secs().to_string());
    doc! {
        "unique": options.unique.unwrap_or(false),
        "sparse": options.sparse.unwrap_or(false),
        "hidden": options.hidden.unwrap_or(false),
        "expireAfter": forgets_after,
        "only": options.partial_filter_expression.clone(),
    }
}
