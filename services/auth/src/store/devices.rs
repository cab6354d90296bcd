//! Clients with which users have signed in.

use bson::oid::ObjectId;
use bson::{Binary, DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;

use super::Store;
use crate::domain::{DEVICE_LIFETIME, TokenHash};
use crate::error::Error;

/// More than anybody has in use; who signs in with another one loses the one used longest ago.
const MOST_DEVICES: u64 = 10;

impl Store {
    /// Whether this user has signed in with this client.
    pub(crate) async fn knows_device(
        &self,
        user_id: ObjectId,
        device: &TokenHash,
    ) -> Result<bool, Error> {
        let this = doc! {
            "userId": user_id,
            "device": Binary::from(device),
            "expiresAt": {"$gt": DateTime::now()},
        };
        Ok(self.devices.find_one(this).await?.is_some())
    }

    /// Remembers that the user signed in with this client just now.
    pub(crate) async fn remember_device(
        &self,
        user_id: ObjectId,
        device: &TokenHash,
    ) -> Result<(), Error> {
        let now = DateTime::now();
        let this = doc! {"userId": user_id, "device": Binary::from(device)};
        let seen = doc! {"$set": {
            "lastUsedAt": now,
            "expiresAt": now.saturating_add_duration(DEVICE_LIFETIME),
        }};
        let kept = self.devices.update_one(this, seen).upsert(true).await?;
        if kept.upserted_id.is_some() {
            self.forget_oldest_devices(user_id).await?;
        }
        Ok(())
    }

    async fn forget_oldest_devices(&self, user_id: ObjectId) -> Result<(), Error> {
        let ids = self.devices.clone_with_type::<Document>();
        let too_many = ids
            .find(doc! {"userId": user_id})
            .sort(doc! {"lastUsedAt": -1})
            .skip(MOST_DEVICES)
            .projection(doc! {"_id": 1})
            .await?;
        let too_many: Vec<Document> = too_many.try_collect().await?;
        if too_many.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = too_many.iter().filter_map(|it| it.get("_id")).collect();
        self.devices.delete_many(doc! {"_id": {"$in": ids}}).await?;
        Ok(())
    }

    /// Knows none of a user's clients any more, as a part of the caller's transaction.
    pub(super) async fn forget_devices(
        &self,
        session: &mut ClientSession,
        user_id: ObjectId,
    ) -> Result<(), Error> {
        self.devices
            .delete_many(doc! {"userId": user_id})
            .session(session)
            .await?;
        Ok(())
    }
}
