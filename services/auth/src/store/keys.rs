use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, doc};
use futures::TryStreamExt as _;
use mongodb::options::ReturnDocument;
use secrecy::ExposeSecret;

use super::Store;
use super::document::PublicKeyDocument;
use crate::domain::{PublishedKey, SigningKey};
use crate::error::Error;

/// Replicas that start at the same moment collide once; more often is not a race.
const ATTEMPTS: usize = 3;

impl Store {
    /// The key that signs; `candidate` becomes it when there is none yet.
    pub(crate) async fn signing_key(
        &self,
        candidate: &SigningKey,
    ) -> Result<SigningKey, reen_mongo::Error> {
        let mut attempt = 1;
        loop {
            match self.find_or_insert_key(candidate).await {
                Err(error) if error.is_duplicate_key() && attempt < ATTEMPTS => attempt += 1,
                Ok(None) => {}
                Ok(Some(key)) => return Ok(key),
                Err(error) => return Err(error),
            }
        }
    }

    async fn find_or_insert_key(
        &self,
        candidate: &SigningKey,
    ) -> Result<Option<SigningKey>, reen_mongo::Error> {
        let pkcs8 = Binary {
            subtype: BinarySubtype::Generic,
            bytes: candidate.pkcs8.expose_secret().to_vec(),
        };
        let first = doc! {"$setOnInsert": {
            "_id": &candidate.published.id,
            "publicKey": &candidate.published.x,
            "pkcs8": pkcs8,
            "createdAt": DateTime::now(),
        }};
        let key = self
            .keys
            .find_one_and_update(doc! {"current": true}, first)
            .upsert(true)
            .return_document(ReturnDocument::After)
            .await?;
        Ok(key.map(SigningKey::from))
    }

    /// The public halves of all keys whose tokens may still be about.
    pub(crate) async fn published_keys(&self) -> Result<Vec<PublishedKey>, Error> {
        let public = self.keys.clone_with_type::<PublicKeyDocument>();
        let keys = public
            .find(doc! {})
            .projection(doc! {"publicKey": 1})
            .sort(doc! {"_id": 1})
            .await?;
        Ok(keys.map_ok(PublishedKey::from).try_collect().await?)
    }
}
