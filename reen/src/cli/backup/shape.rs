//! What a collection is besides its documents: its options, such as its validator, and its indexes.

use bson::{Document, doc};
use futures::TryStreamExt as _;
use reen_mongo::{Database, Error, PASSING_COLLECTIONS};
use serde::{Deserialize, Serialize};

/// All collections of a database.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Shape {
    pub(super) collections: Vec<Collection>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Collection {
    pub(super) name: String,
    options: Document,
    /// As the server lists them; without the one that every collection has.
    indexes: Vec<Document>,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    #[serde(default)]
    options: Document,
}

impl Shape {
    pub(super) async fn of(database: &Database) -> Result<Self, Error> {
        let list = doc! {"listCollections": 1, "filter": {"type": "collection"}};
        let listed = database.driver().run_cursor_command(list).await?;
        let mut listed: Vec<Document> = listed.try_collect().await?;
        listed.sort_by_key(|collection| collection.get_str("name").unwrap_or_default().to_owned());
        let mut collections = Vec::new();
        for collection in listed {
            let Listed { name, options } = bson::deserialize_from_document(collection)?;
            if PASSING_COLLECTIONS.contains(&name.as_str()) || name.starts_with("system.") {
                continue;
            }
            let indexes = indexes_of(database, &name).await?;
            collections.push(Collection {
                name,
                options,
                indexes,
            });
        }
        Ok(Self { collections })
    }
}

async fn indexes_of(database: &Database, collection: &str) -> Result<Vec<Document>, Error> {
    let list = doc! {"listIndexes": collection};
    let listed = database.driver().run_cursor_command(list).await?;
    let mut indexes: Vec<Document> = listed.try_collect().await?;
    indexes.retain(|index| index.get_str("name").is_ok_and(|name| name != "_id_"));
    Ok(indexes)
}

impl Collection {
    /// Makes it, empty and without indexes, which are made faster when the documents are there.
    pub(super) async fn make(&self, database: &Database) -> Result<(), Error> {
        let mut create = doc! {"create": &self.name};
        create.extend(self.options.clone());
        database.driver().run_command(create).await?;
        Ok(())
    }

    pub(super) async fn make_indexes(&self, database: &Database) -> Result<(), Error> {
        if self.indexes.is_empty() {
            return Ok(());
        }
        let make = doc! {"createIndexes": &self.name, "indexes": &self.indexes};
        database.driver().run_command(make).await?;
        Ok(())
    }
}
