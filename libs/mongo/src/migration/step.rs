use bson::{Document, doc};
use futures::future::BoxFuture;
use mongodb::IndexModel;
use mongodb::error::{Error as DriverError, ErrorKind};

use super::drift::name_of;
use crate::{Database, Error};

const NAMESPACE_NOT_FOUND: i32 = 26;
const INDEX_NOT_FOUND: i32 = 27;
const NAMESPACE_EXISTS: i32 = 48;

/// Changes documents, and answers how many. A process may die in the middle of it, and older programs go on
/// writing beside it: it finds what is left to do by what the documents look like.
pub type Rewrite = for<'a> fn(&'a Database) -> BoxFuture<'a, Result<u64, Error>>;

/// Indexes of one collection.
#[derive(Clone, Debug)]
pub struct Indexes {
    pub(super) collection: &'static str,
    pub(super) models: Vec<IndexModel>,
}

impl Indexes {
    /// These, on this collection.
    pub fn of(collection: &'static str, models: impl IntoIterator<Item = IndexModel>) -> Self {
        Self {
            collection,
            models: models.into_iter().collect(),
        }
    }
}

/// One thing that a migration does; doing it again changes nothing.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Make(Indexes),
    Drop {
        collection: &'static str,
        index: &'static str,
    },
    DropCollection {
        collection: &'static str,
    },
    Guard {
        collection: &'static str,
        validator: Document,
    },
    Rewrite {
        what: &'static str,
        run: Rewrite,
    },
}

impl Step {
    /// Answers how many documents it changed.
    pub(super) async fn apply(&self, database: &Database) -> Result<u64, Error> {
        match self {
            Self::Make(indexes) => make(database, indexes).await?,
            Self::Drop { collection, index } => drop_index(database, collection, index).await?,
            Self::DropCollection { collection } => {
                database.collection::<Document>(collection).drop().await?;
            }
            Self::Guard {
                collection,
                validator,
            } => guard(database, collection, validator).await?,
            Self::Rewrite { run, .. } => return run(database).await,
        }
        Ok(0)
    }

    /// Whether it makes or drops this index.
    pub(super) fn settles(&self, collection: &str, index: &str) -> bool {
        match self {
            Self::Make(indexes) => {
                let mut made = indexes.models.iter();
                indexes.collection == collection && made.any(|it| name_of(it) == index)
            }
            Self::Drop {
                collection: of,
                index: dropped,
            } => *of == collection && *dropped == index,
            Self::DropCollection {
                collection: dropped,
            } => *dropped == collection,
            Self::Guard { .. } | Self::Rewrite { .. } => false,
        }
    }

    /// What makes it another step when it is different. A rewrite is known by its name alone.
    pub(super) fn description(&self) -> Result<Document, bson::error::Error> {
        Ok(match self {
            Self::Make(Indexes { collection, models }) => {
                let models: Result<Vec<_>, _> =
                    models.iter().map(bson::serialize_to_document).collect();
                doc! {"make": *collection, "indexes": models?}
            }
            Self::Drop { collection, index } => doc! {"drop": *index, "of": *collection},
            Self::DropCollection { collection } => doc! {"dropCollection": *collection},
            Self::Guard {
                collection,
                validator,
            } => doc! {"guard": *collection, "validator": validator},
            Self::Rewrite { what, .. } => doc! {"rewrite": *what},
        })
    }
}

async fn make(database: &Database, indexes: &Indexes) -> Result<(), Error> {
    let collection = database.collection::<Document>(indexes.collection);
    collection.create_indexes(indexes.models.clone()).await?;
    Ok(())
}

async fn drop_index(database: &Database, collection: &str, index: &str) -> Result<(), Error> {
    let collection = database.collection::<Document>(collection);
    match collection.drop_index(index).await {
        Err(error) if has_code(&error, &[INDEX_NOT_FOUND, NAMESPACE_NOT_FOUND]) => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Makes the collection with its validator, or gives the validator to the one there is.
async fn guard(database: &Database, collection: &str, validator: &Document) -> Result<(), Error> {
    let creating = database.driver().create_collection(collection);
    match creating.validator(validator.clone()).await {
        Err(error) if has_code(&error, &[NAMESPACE_EXISTS]) => {
            let guard = doc! {"collMod": collection, "validator": validator};
            database.driver().run_command(guard).await?;
            Ok(())
        }
        outcome => Ok(outcome?),
    }
}

fn has_code(error: &DriverError, codes: &[i32]) -> bool {
    matches!(&*error.kind, ErrorKind::Command(command) if codes.contains(&command.code))
}
