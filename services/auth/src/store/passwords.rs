use bson::oid::ObjectId;
use bson::{DateTime, doc};
use mongodb::ClientSession;
use reen_mongo::Transaction;
use secrecy::{ExposeSecret as _, SecretString};

use super::Store;
use crate::error::Error;

impl Store {
    /// The hash of a user's password, if the user has one.
    pub(crate) async fn password_hash(&self, id: ObjectId) -> Result<Option<SecretString>, Error> {
        let found = self
            .credentials
            .find_one(doc! {"_id": id})
            .projection(doc! {"passwordHash": 1})
            .await?;
        Ok(found.and_then(|found| found.password_hash))
    }

    /// Exchanges the hash of a user's password, and ends every session and every letter that would set
    /// another; whether it was `known` still.
    pub(crate) async fn change_password(
        &self,
        id: ObjectId,
        known: &SecretString,
        new: &SecretString,
    ) -> Result<bool, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .change_password_once(transaction.session(), id, known, new)
                .await;
            if let Some(is_changed) = transaction.settle(attempt).await? {
                return Ok(is_changed);
            }
        }
    }

    async fn change_password_once(
        &self,
        session: &mut ClientSession,
        id: ObjectId,
        known: &SecretString,
        new: &SecretString,
    ) -> Result<bool, Error> {
        let as_known = doc! {"_id": id, "passwordHash": known.expose_secret()};
        let new = doc! {"passwordHash": new.expose_secret(), "updatedAt": DateTime::now()};
        let changed = self
            .users
            .update_one(as_known, doc! {"$set": new})
            .session(&mut *session)
            .await?;
        if changed.matched_count == 0 {
            return Ok(false);
        }
        self.end_sessions_once(session, id).await?;
        self.forget_reset_letters(session, id).await?;
        Ok(true)
    }
}
