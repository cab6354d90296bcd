//! Letters that were asked for. A token is bound to the account and the address for which it was made: who
//! has another address by then has no use for it.

use bson::oid::ObjectId;
use bson::{Binary, DateTime, Document, doc};
use mongodb::ClientSession;
use mongodb::options::ReturnDocument;
use reen_chassis::Operation;
use reen_mongo::Transaction;
use secrecy::{ExposeSecret as _, SecretString};

use super::Store;
use super::document::LetterDocument;
use super::users::present;
use crate::domain::{Addressee, LetterKind, TokenHash, User};
use crate::error::Error;
use crate::events::letter_requested;

const MINUTE_MILLIS: i64 = 60_000;

impl Store {
    /// Asks for a letter to an address, whoever has it. Does the same whether anybody has or not.
    pub(crate) async fn request_letter(
        &self,
        kind: LetterKind,
        email_key: &str,
    ) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .put_letter(transaction.session(), kind, email_key)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                self.outbox.nudge();
                return Ok(());
            }
        }
    }

    /// The same as a part of the caller's transaction, who nudges the outbox after it. Of those of one minute
    /// only the first is sent.
    pub(super) async fn put_letter(
        &self,
        session: &mut ClientSession,
        kind: LetterKind,
        email_key: &str,
    ) -> Result<(), Error> {
        let now = DateTime::now();
        let id = ObjectId::new();
        let of_this_minute = doc! {
            "emailKey": email_key,
            "kind": kind.word(),
            "minute": now.timestamp_millis().div_euclid(MINUTE_MILLIS),
        };
        // Its token begins to count when it is made, which may be late.
        let latest = LetterKind::EmailVerification.lifetime();
        let new = doc! {"$setOnInsert": {
            "_id": id,
            "expiresAt": now.saturating_add_duration(latest),
        }};
        let put = self
            .letters
            .update_one(of_this_minute, new)
            .upsert(true)
            .session(&mut *session)
            .await?;
        if put.upserted_id.is_some() {
            self.outbox.put(session, &letter_requested(id)).await?;
        }
        Ok(())
    }

    /// Stores the hash of a letter's token over the one that it had, and answers to whom the letter goes.
    /// `None`: to nobody.
    pub(crate) async fn issue_letter_token(
        &self,
        operation: &Operation,
        letter_id: ObjectId,
        token: &TokenHash,
    ) -> Result<Option<Addressee>, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .issue_letter_token_once(transaction.session(), operation, letter_id, token)
                .await;
            if let Some(addressee) = transaction.settle(attempt).await? {
                return Ok(addressee);
            }
        }
    }

    async fn issue_letter_token_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        letter_id: ObjectId,
        token: &TokenHash,
    ) -> Result<Option<Addressee>, Error> {
        self.fence.pass(session, operation).await?;
        let this = doc! {"_id": letter_id};
        let letter = self.letters.find_one(this.clone());
        let Some(LetterDocument {
            kind, email_key, ..
        }) = letter.session(&mut *session).await?
        else {
            return Ok(None);
        };
        let addressee = self.users.find_one(addressee(kind, &email_key));
        let Some(user) = addressee.session(&mut *session).await? else {
            return Ok(None);
        };
        let expires_at = DateTime::now().saturating_add_duration(kind.lifetime());
        let issued = doc! {"$set": {
            "userId": user.id,
            "token": Binary::from(token),
            "expiresAt": expires_at,
        }};
        self.letters
            .update_one(this, issued)
            .session(session)
            .await?;
        Ok(user.contact().map(|contact| Addressee {
            kind,
            name: contact.name,
            email: contact.email,
        }))
    }

    /// Whether a token could be used now. Cheaper than what its use costs.
    pub(crate) async fn is_letter_token(
        &self,
        kind: LetterKind,
        token: &TokenHash,
    ) -> Result<bool, Error> {
        let usable = self.letters.find_one(usable(kind, token)).await?;
        Ok(usable.is_some())
    }

    /// Sets the password of the account for which the token was made, once. What was known before ends with
    /// it: every session, every client, every other letter and every count of failures.
    pub(crate) async fn reset_password(
        &self,
        token: &TokenHash,
        password_hash: &SecretString,
    ) -> Result<User, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .reset_password_once(transaction.session(), token, password_hash)
                .await;
            if let Some(user) = transaction.settle(attempt).await? {
                return Ok(user);
            }
        }
    }

    async fn reset_password_once(
        &self,
        session: &mut ClientSession,
        token: &TokenHash,
        password_hash: &SecretString,
    ) -> Result<User, Error> {
        let kind = LetterKind::PasswordReset;
        let (letter, id) = self.use_letter(session, kind, token).await?;
        let mut owner = present(doc! {"_id": id, "emailKey": &letter.email_key});
        owner.insert("passwordHash", doc! {"$exists": true});
        let new = doc! {"$set": {
            "passwordHash": password_hash.expose_secret(),
            // Who has the letter reads what is sent to the address.
            "emailVerified": true,
            "updatedAt": DateTime::now(),
        }};
        let user = self.change_user(session, owner, new).await?;
        self.end_sessions_once(session, id).await?;
        self.forget_devices(session, id).await?;
        self.forget_reset_letters(session, id).await?;
        self.forget_failures_for(session, &letter.email_key).await?;
        Ok(user)
    }

    /// Notes that the address for which the token was made is its account's, once.
    pub(crate) async fn verify_email(&self, token: &TokenHash) -> Result<(), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.verify_email_once(transaction.session(), token).await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn verify_email_once(
        &self,
        session: &mut ClientSession,
        token: &TokenHash,
    ) -> Result<(), Error> {
        let kind = LetterKind::EmailVerification;
        let (letter, id) = self.use_letter(session, kind, token).await?;
        let owner = present(doc! {"_id": id, "emailKey": &letter.email_key});
        let verified = doc! {"$set": {"emailVerified": true, "updatedAt": DateTime::now()}};
        self.change_user(session, owner, verified).await?;
        Ok(())
    }

    /// Takes a letter away, so that nobody uses it again, and answers whose it was.
    async fn use_letter(
        &self,
        session: &mut ClientSession,
        kind: LetterKind,
        token: &TokenHash,
    ) -> Result<(LetterDocument, ObjectId), Error> {
        let usable = self.letters.find_one_and_delete(usable(kind, token));
        let letter = usable.session(session).await?.ok_or(Error::InvalidToken)?;
        let user_id = letter.user_id.ok_or(Error::InvalidToken)?;
        Ok((letter, user_id))
    }

    async fn change_user(
        &self,
        session: &mut ClientSession,
        owner: Document,
        change: Document,
    ) -> Result<User, Error> {
        let changed = self
            .users
            .find_one_and_update(owner, change)
            .return_document(ReturnDocument::After)
            .session(session)
            .await?;
        changed.map(User::from).ok_or(Error::InvalidToken)
    }

    /// Voids the letters that would set another password, as a part of the caller's transaction.
    pub(super) async fn forget_reset_letters(
        &self,
        session: &mut ClientSession,
        user_id: ObjectId,
    ) -> Result<(), Error> {
        let kind = LetterKind::PasswordReset.word();
        self.letters
            .delete_many(doc! {"userId": user_id, "kind": kind})
            .session(session)
            .await?;
        Ok(())
    }

    /// Forgets all letters to a user, as a part of the caller's transaction.
    pub(super) async fn forget_letters(
        &self,
        session: &mut ClientSession,
        user_id: ObjectId,
    ) -> Result<(), Error> {
        self.letters
            .delete_many(doc! {"userId": user_id})
            .session(session)
            .await?;
        Ok(())
    }
}

/// Who signs in elsewhere has no password to reset, and who has verified the address need not do it again.
fn addressee(kind: LetterKind, email_key: &str) -> Document {
    let mut user = present(doc! {"emailKey": email_key});
    match kind {
        LetterKind::PasswordReset => user.insert("passwordHash", doc! {"$exists": true}),
        LetterKind::EmailVerification => user.insert("emailVerified", doc! {"$ne": true}),
    };
    user
}

fn usable(kind: LetterKind, token: &TokenHash) -> Document {
    doc! {
        "token": Binary::from(token),
        "kind": kind.word(),
        "expiresAt": {"$gt": DateTime::now()},
    }
}
