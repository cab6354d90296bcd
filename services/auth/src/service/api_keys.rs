use bson::DateTime;
use bson::oid::ObjectId;
use subtle::ConstantTimeEq as _;

use crate::domain::{ApiKey, ApiKeySecret, NewApiKey};
use crate::error::Error;
use crate::store::Store;

/// With which programs act for a user.
pub(crate) struct ApiKeys {
    store: Store,
}

impl ApiKeys {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Makes a key; its secret is nowhere but in the answer.
    pub(crate) async fn create(
        &self,
        user_id: ObjectId,
        new: &NewApiKey,
    ) -> Result<(ApiKey, ApiKeySecret), Error> {
        let user = self.store.present_user(user_id).await?;
        let user = user.ok_or(Error::Closed)?;
        let secret = ApiKeySecret::generate(ObjectId::new());
        let key = self.store.insert_api_key(user.id, &secret, new).await?;
        tracing::info!(user = %user_id, key = %key.id, "an API key was made");
        Ok((key, secret))
    }

    /// The user's keys that are good, the newest first.
    pub(crate) async fn list(&self, user_id: ObjectId) -> Result<Vec<ApiKey>, Error> {
        let now = DateTime::now();
        let mut keys = self.store.api_keys(user_id).await?;
        // The database forgets them within a minute or so.
        keys.retain(|key| !key.is_over(now));
        Ok(keys)
    }

    pub(crate) async fn revoke(&self, user_id: ObjectId, id: ObjectId) -> Result<(), Error> {
        if !self.store.delete_api_key(user_id, id).await? {
            return Err(Error::NotFound);
        }
        tracing::info!(user = %user_id, key = %id, "an API key was taken back");
        Ok(())
    }

    /// The key that somebody presents, if it is one, and its user is still here. Notes that it was used.
    pub(crate) async fn resolve(&self, presented: Option<ApiKeySecret>) -> Result<ApiKey, Error> {
        let presented = presented.ok_or(Error::UnknownApiKey)?;
        let found = self.store.api_key(presented.id).await?;
        let (key, hash) = found.ok_or(Error::UnknownApiKey)?;
        let is_it = bool::from(hash.ct_eq(presented.hash().as_bytes()));
        let now = DateTime::now();
        if !is_it || key.is_over(now) {
            return Err(Error::UnknownApiKey);
        }
        let user = self.store.present_user(key.user_id).await?;
        user.ok_or(Error::UnknownApiKey)?;
        if key.is_use_to_be_noted(now) {
            self.store.note_api_key_use(key.id, now).await?;
        }
        Ok(key)
    }
}
