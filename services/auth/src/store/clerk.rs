//! Users of the identity provider, as its events tell of them: late, twice, and in any order.

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::Transaction;

use super::Store;
use super::document::{ClerkUserDocument, PostingDocument, UserDocument};
use crate::domain::{ClerkUser, Posting, Role};
use crate::error::Error;

impl Store {
    /// Makes the local user of a Clerk user, or brings it up to date. What is older than what is known
    /// changes nothing. `None`: the user was deleted there, and stays deleted.
    pub(crate) async fn sync_clerk_user(
        &self,
        operation: &Operation,
        user: &ClerkUser,
        opening: impl Fn(ObjectId) -> Result<Posting, Error>,
    ) -> Result<Option<ObjectId>, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .sync_clerk_user_once(transaction.session(), operation, user, &opening)
                .await;
            if let Some(synced) = transaction.settle(attempt).await? {
                return Ok(synced);
            }
        }
    }

    async fn sync_clerk_user_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        user: &ClerkUser,
        opening: &impl Fn(ObjectId) -> Result<Posting, Error>,
    ) -> Result<Option<ObjectId>, Error> {
        self.fence.pass(session, operation).await?;
        let known = self.clerk_user(session, &user.clerk_id).await?;
        let user_id = match known {
            Some(known) if known.deleted => return Ok(None),
            Some(known) if known.updated_at >= user.updated_at => return Ok(known.user_id),
            Some(ClerkUserDocument {
                user_id: Some(user_id),
                ..
            }) => {
                self.update_clerk_user(session, user_id, user).await?;
                user_id
            }
            _ => {
                let user_id = ObjectId::new();
                let opening = opening(user_id)?;
                self.insert_clerk_user(session, user_id, user, &opening)
                    .await?;
                user_id
            }
        };
        let noted = ClerkUserDocument::of(user, user_id);
        self.clerk_users
            .replace_one(doc! {"_id": &user.clerk_id}, noted)
            .upsert(true)
            .session(session)
            .await?;
        Ok(Some(user_id))
    }

    async fn clerk_user(
        &self,
        session: &mut ClientSession,
        clerk_id: &str,
    ) -> Result<Option<ClerkUserDocument>, Error> {
        let this = doc! {"_id": clerk_id};
        Ok(self.clerk_users.find_one(this).session(session).await?)
    }

    /// Without the key of the address: that belongs to those who sign in here with a password, and
    /// nobody gets at their account by having the same address elsewhere.
    async fn insert_clerk_user(
        &self,
        session: &mut ClientSession,
        user_id: ObjectId,
        user: &ClerkUser,
        opening: &Posting,
    ) -> Result<(), Error> {
        let mut document =
            UserDocument::new(user_id, user.name.as_str(), Role::Buyer, DateTime::now());
        document.email = user.email.as_ref().map(|email| email.as_str().to_owned());
        document.clerk_id = Some(user.clerk_id.clone());
        if let Some(opening) = opening.movements().get(&user_id) {
            document.balance_cents = opening.balance_cents;
        }
        self.users
            .insert_one(document)
            .session(&mut *session)
            .await?;
        if opening.is_empty() {
            return Ok(());
        }
        let id = format!("opening-{user_id}");
        self.insert_posting(session, PostingDocument::new(&id, opening))
            .await
    }

    async fn update_clerk_user(
        &self,
        session: &mut ClientSession,
        user_id: ObjectId,
        user: &ClerkUser,
    ) -> Result<(), Error> {
        let email = user.email.as_ref().map(|email| email.as_str());
        let changed = doc! {"$set": {
            "name": user.name.as_str(),
            "email": email,
            "updatedAt": DateTime::now(),
        }};
        // Who asked to be forgotten here has no Clerk id any more, and is not remembered by an update.
        let this = doc! {"_id": user_id, "clerkId": &user.clerk_id};
        self.users
            .update_one(this, changed)
            .session(session)
            .await?;
        Ok(())
    }

    /// Notes that a Clerk user is gone for good, and answers whose account that was.
    pub(crate) async fn forget_clerk_user(
        &self,
        operation: &Operation,
        clerk_id: &str,
    ) -> Result<Option<ObjectId>, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .forget_clerk_user_once(transaction.session(), operation, clerk_id)
                .await;
            if let Some(forgotten) = transaction.settle(attempt).await? {
                return Ok(forgotten);
            }
        }
    }

    async fn forget_clerk_user_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        clerk_id: &str,
    ) -> Result<Option<ObjectId>, Error> {
        self.fence.pass(session, operation).await?;
        let known = self.clerk_user(session, clerk_id).await?;
        let gone = doc! {"$set": {"deleted": true, "updatedAt": DateTime::now()}};
        self.clerk_users
            .update_one(doc! {"_id": clerk_id}, gone)
            .upsert(true)
            .session(session)
            .await?;
        Ok(known.and_then(|known| known.user_id))
    }
}
