use bson::{DateTime, doc};
use futures::TryStreamExt as _;

use super::Store;
use super::document::KeyDocument;
use crate::domain::{DatedKey, KeyRing, SigningKey};
use crate::error::Error;

/// The generation of the first key.
pub(super) const FIRST: i64 = 1;

impl Store {
    /// Sees to it that there is a key; `candidate` becomes it when there is none yet.
    pub(crate) async fn settle_first_key(&self, candidate: SigningKey) -> Result<(), Error> {
        // The first of all may be long forgotten.
        if self.keys.find_one(doc! {}).await?.is_some() {
            return Ok(());
        }
        let first = DatedKey {
            key: candidate,
            generation: FIRST,
            signs_from: DateTime::now(),
        };
        self.add_key(&first).await
    }

    /// All keys.
    pub(crate) async fn key_ring(&self) -> Result<KeyRing, Error> {
        let keys = self.keys.find(doc! {}).sort(doc! {"generation": 1}).await?;
        let keys = keys.map_ok(DatedKey::from).try_collect().await?;
        Ok(KeyRing::new(keys))
    }

    /// Adds a key, unless there is one of its generation: then another replica was quicker.
    pub(crate) async fn add_key(&self, key: &DatedKey) -> Result<(), Error> {
        unless_duplicate(self.keys.insert_one(KeyDocument::from(key)).await)
    }

    /// Forgets keys whose tokens have all expired.
    pub(crate) async fn forget_keys(&self, generations: &[i64]) -> Result<(), Error> {
        let these = doc! {"generation": {"$in": generations.to_vec()}};
        self.keys.delete_many(these).await?;
        Ok(())
    }
}

fn unless_duplicate<T>(outcome: Result<T, mongodb::error::Error>) -> Result<(), Error> {
    match outcome.map_err(reen_mongo::Error::from) {
        Err(error) if !error.is_duplicate_key() => Err(error.into()),
        _ => Ok(()),
    }
}
