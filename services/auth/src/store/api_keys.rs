use bson::oid::ObjectId;
use bson::{Binary, DateTime, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;

use super::Store;
use super::document::{ApiKeyDocument, PlaceDocument};
use crate::domain::{ApiKey, ApiKeySecret, MOST_API_KEYS, NewApiKey, last_use_worth_noting};
use crate::error::Error;

impl Store {
    /// Stores a key of the user, who may have so many and no more: each takes a place, and places are unique.
    pub(crate) async fn insert_api_key(
        &self,
        user_id: ObjectId,
        secret: &ApiKeySecret,
        new: &NewApiKey,
    ) -> Result<ApiKey, Error> {
        let mut key = ApiKeyDocument {
            id: secret.id,
            user_id,
            place: 0,
            name: new.name.as_str().to_owned(),
            scopes: new.scopes.iter().copied().collect(),
            hash: Binary::from(&secret.hash()),
            created_at: DateTime::now(),
            last_used_at: None,
            expires_at: new.expires_at,
        };
        loop {
            let place = self.free_place(user_id).await?;
            key.place = place.ok_or(Error::TooManyApiKeys)?;
            let inserted = self.api_keys.insert_one(&key).await;
            match inserted.map_err(reen_mongo::Error::from) {
                Ok(_) => return Ok(key.into()),
                // Somebody else took the place meanwhile; each time there is one less to take.
                Err(error) if error.is_duplicate_key() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn free_place(&self, user_id: ObjectId) -> Result<Option<i32>, Error> {
        let keys = self.api_keys.clone_with_type::<PlaceDocument>();
        let taken = keys
            .find(doc! {"userId": user_id})
            .projection(doc! {"_id": 0, "place": 1})
            .await?;
        let taken: Vec<i32> = taken.map_ok(|key| key.place).try_collect().await?;
        Ok((0..MOST_API_KEYS).find(|place| !taken.contains(place)))
    }

    /// The user's keys, the newest first.
    pub(crate) async fn api_keys(&self, user_id: ObjectId) -> Result<Vec<ApiKey>, Error> {
        let keys = self
            .api_keys
            .find(doc! {"userId": user_id})
            .sort(doc! {"_id": -1})
            .await?;
        Ok(keys.map_ok(ApiKey::from).try_collect().await?)
    }

    /// The key of this id with the hash of the whole key.
    pub(crate) async fn api_key(&self, id: ObjectId) -> Result<Option<(ApiKey, Vec<u8>)>, Error> {
        let found = self.api_keys.find_one(doc! {"_id": id}).await?;
        Ok(found.map(|mut key| {
            let hash = std::mem::take(&mut key.hash.bytes);
            (key.into(), hash)
        }))
    }

    /// Notes that the key was used, unless that was noted a moment ago.
    pub(crate) async fn note_api_key_use(&self, id: ObjectId, now: DateTime) -> Result<(), Error> {
        // Not `$lte`, which would leave out a key that was never used.
        let to_be_noted =
            doc! {"_id": id, "lastUsedAt": {"$not": {"$gt": last_use_worth_noting(now)}}};
        let noted = doc! {"$set": {"lastUsedAt": now}};
        self.api_keys.update_one(to_be_noted, noted).await?;
        Ok(())
    }

    /// Takes back one of the user's keys; whether there was one.
    pub(crate) async fn delete_api_key(
        &self,
        user_id: ObjectId,
        id: ObjectId,
    ) -> Result<bool, Error> {
        let own = doc! {"_id": id, "userId": user_id};
        let deleted = self.api_keys.delete_one(own).await?;
        Ok(deleted.deleted_count > 0)
    }

    pub(super) async fn delete_api_keys(
        &self,
        session: &mut ClientSession,
        user_id: ObjectId,
    ) -> Result<(), Error> {
        self.api_keys
            .delete_many(doc! {"userId": user_id})
            .session(session)
            .await?;
        Ok(())
    }
}
