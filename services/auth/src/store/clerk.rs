//! Users of the identity provider, as its events tell of them: late, twice, and in any order.
//!
//! Whatever changes something for a Clerk user writes the note of that user in `clerk_users`, so of two
//! events at the same time one conflicts and sees what the other did.

use bson::oid::ObjectId;
use bson::{Binary, DateTime, Document, doc};
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::Transaction;

use super::Store;
use super::document::{ClerkUserDocument, NewUserDocument};
use super::sign_up::new_buyer;
use crate::domain::{ClerkMark, ClerkUser, Owner, Posting, Standing, User};
use crate::error::Error;

/// The local user that a Clerk user becomes, unless there is one.
pub(crate) struct Newcomer {
    pub(crate) id: ObjectId,
    pub(crate) opening: Posting,
}

impl Store {
    /// Makes the local user of a Clerk user, or brings it up to date, as a step of a saga or by itself.
    /// What is not newer than what is known changes nothing. `None`: the user was deleted, there or here, and stays deleted.
    ///
    /// An account that was made here becomes the Clerk user's when that one has **proved** to Clerk to
    /// read what is sent to its address. With an address that is only claimed, anybody could take over
    /// anybody's account; such a user gets one apart. Nor is the address of an account here proved:
    /// whoever made it may have done so to wait in it for its rightful owner. So what was known before
    /// ends when it is linked: the password with its second factor, API keys and every session. Unless the address was verified here too.
    pub(crate) async fn sync_clerk_user(
        &self,
        operation: Option<&Operation>,
        user: &ClerkUser,
        newcomer: &Newcomer,
    ) -> Result<Option<ObjectId>, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .sync_clerk_user_once(transaction.session(), operation, user, newcomer)
                .await;
            if let Some(synced) = transaction.settle(attempt).await? {
                return Ok(synced);
            }
        }
    }

    async fn sync_clerk_user_once(
        &self,
        session: &mut ClientSession,
        operation: Option<&Operation>,
        user: &ClerkUser,
        newcomer: &Newcomer,
    ) -> Result<Option<ObjectId>, Error> {
        if let Some(operation) = operation {
            self.fence.pass(session, operation).await?;
        }
        let mark = ClerkMark::of(&user.clerk_id);
        let known = self.clerk_note(session, mark).await?;
        let known_user = self.user_of_clerk(session, &user.clerk_id).await?;
        match known {
            Some(note) if note.is_deleted => return Ok(None),
            Some(note) if note.updated_at >= user.updated_at => {
                return Ok(known_user.map(|known| known.id));
            }
            _ => {}
        }
        self.write_clerk_note(session, mark, user.updated_at, false)
            .await?;
        let standing = self.standing_of(session, user, known_user).await?;
        let id = self
            .store_clerk_user(session, user, &standing, newcomer)
            .await?;
        Ok(Some(id))
    }

    async fn standing_of(
        &self,
        session: &mut ClientSession,
        user: &ClerkUser,
        known: Option<User>,
    ) -> Result<Standing, Error> {
        let holder = match user.proved_email() {
            Some(email) => {
                let key = email.normal_form();
                self.user_by_email_key(session, &key).await?
            }
            None => None,
        };
        Ok(Standing::of(user, known.as_ref(), holder.as_ref()))
    }

    async fn store_clerk_user(
        &self,
        session: &mut ClientSession,
        user: &ClerkUser,
        standing: &Standing,
        newcomer: &Newcomer,
    ) -> Result<ObjectId, Error> {
        let Some(id) = standing.owner.account() else {
            let mut buyer = new_buyer(newcomer.id, &user.name, user.email.as_ref());
            buyer.clerk_id = Some(user.clerk_id.clone());
            buyer.is_email_verified = user.proved_email().is_some();
            let new_user = NewUserDocument {
                user: buyer,
                email_key: standing.email_key.clone(),
                password_hash: None,
            };
            self.open_account(session, new_user, &newcomer.opening)
                .await?;
            return Ok(newcomer.id);
        };
        if matches!(standing.owner, Owner::Linked(_)) {
            self.end_sessions_once(session, id).await?;
            self.forget_further_credentials(session, id).await?;
        }
        self.users
            .update_one(doc! {"_id": id}, update(user, standing))
            .session(session)
            .await?;
        Ok(id)
    }

    /// Notes that a Clerk user is gone for good, and answers whose account that is. Once that was
    /// anonymised it is nobody's.
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
        let mark = ClerkMark::of(clerk_id);
        self.write_clerk_note(session, mark, DateTime::now(), true)
            .await?;
        let known = self.user_of_clerk(session, clerk_id).await?;
        Ok(known.map(|known| known.id))
    }

    /// Who leaves here does not come back by an event of Clerk either.
    pub(super) async fn forget_clerk_user_of(
        &self,
        session: &mut ClientSession,
        id: ObjectId,
    ) -> Result<(), Error> {
        let leaving = self
            .users
            .find_one(doc! {"_id": id})
            .session(&mut *session)
            .await?;
        match leaving.and_then(|leaving| leaving.clerk_id) {
            Some(clerk_id) => {
                let mark = ClerkMark::of(&clerk_id);
                self.write_clerk_note(session, mark, DateTime::now(), true)
                    .await
            }
            None => Ok(()),
        }
    }

    async fn clerk_note(
        &self,
        session: &mut ClientSession,
        mark: ClerkMark,
    ) -> Result<Option<ClerkUserDocument>, Error> {
        let this = doc! {"_id": Binary::from(mark)};
        Ok(self.clerk_users.find_one(this).session(session).await?)
    }

    async fn write_clerk_note(
        &self,
        session: &mut ClientSession,
        mark: ClerkMark,
        updated_at: DateTime,
        is_deleted: bool,
    ) -> Result<(), Error> {
        let note = ClerkUserDocument {
            id: Binary::from(mark),
            updated_at,
            is_deleted,
        };
        self.clerk_users
            .replace_one(doc! {"_id": &note.id}, &note)
            .upsert(true)
            .session(session)
            .await?;
        Ok(())
    }

    async fn user_of_clerk(
        &self,
        session: &mut ClientSession,
        clerk_id: &str,
    ) -> Result<Option<User>, Error> {
        let this = doc! {"clerkId": clerk_id};
        let user = self.users.find_one(this).session(session).await?;
        Ok(user.map(User::from))
    }

    async fn user_by_email_key(
        &self,
        session: &mut ClientSession,
        email_key: &str,
    ) -> Result<Option<User>, Error> {
        let this = doc! {"emailKey": email_key};
        let user = self.users.find_one(this).session(session).await?;
        Ok(user.map(User::from))
    }
}

/// What Clerk says of the user, over what was known.
fn update(user: &ClerkUser, standing: &Standing) -> Document {
    let mut set = doc! {
        "name": user.name.as_str(),
        "clerkId": &user.clerk_id,
        "emailVerified": user.proved_email().is_some(),
        "updatedAt": DateTime::now(),
    };
    let mut unset = Document::new();
    let mut set_or_unset = |field: &str, value: Option<String>| {
        match value {
            Some(value) => set.insert(field, value),
            None => unset.insert(field, ""),
        };
    };
    let email = user.email.as_ref();
    set_or_unset("email", email.map(|email| email.as_str().to_owned()));
    set_or_unset("emailKey", standing.email_key.clone());
    if matches!(standing.owner, Owner::Linked(_)) {
        unset.insert("passwordHash", "");
    }
    let mut update = doc! {"$set": set};
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    update
}
