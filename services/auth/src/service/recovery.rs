use std::sync::Arc;

use bson::oid::ObjectId;
use reen_chassis::Operation;

use super::passwords::Passwords;
use super::sessions::{Session, Sessions};
use crate::domain::{Addressee, Client, Email, LetterKind, OpaqueToken, Password, normal_form};
use crate::error::Error;
use crate::store::Store;

/// What is proved by reading a letter.
pub(crate) struct Recovery {
    store: Store,
    passwords: Arc<Passwords>,
    sessions: Arc<Sessions>,
}

/// What a letter says, and to whom.
pub(crate) struct IssuedLetter {
    pub(crate) addressee: Addressee,
    pub(crate) token: OpaqueToken,
}

impl Recovery {
    pub(crate) fn new(store: Store, passwords: Arc<Passwords>, sessions: Arc<Sessions>) -> Self {
        Self {
            store,
            passwords,
            sessions,
        }
    }

    /// Whether there is an account is only looked at when the letter is written: neither the answer nor its
    /// time can tell.
    pub(crate) async fn request_password_reset(&self, email: &Email) -> Result<(), Error> {
        let kind = LetterKind::PasswordReset;
        self.store.request_letter(kind, &email.normal_form()).await
    }

    /// Sets a new password, once for each letter, and signs in where the password alone does.
    pub(crate) async fn reset_password(
        &self,
        token: &OpaqueToken,
        password: Password,
        client: &Client,
    ) -> Result<Option<Session>, Error> {
        let token = token.hash();
        let kind = LetterKind::PasswordReset;
        // Who guesses is not to keep the hashing busy.
        if !self.store.is_letter_token(kind, &token).await? {
            return Err(Error::InvalidToken);
        }
        let hash = self.passwords.hash(password.into_secret()).await?;
        let user = self.store.reset_password(&token, &hash).await?;
        tracing::info!(user = %user.id, "the password was reset by a letter");
        // The letter proves no more than the password does.
        if user.has_second_factor {
            return Ok(None);
        }
        self.sessions.begin_at(user, client).await.map(Some)
    }

    /// Nothing is sent when the address is verified already.
    pub(crate) async fn request_email_verification(&self, user_id: ObjectId) -> Result<(), Error> {
        let user = self.store.present_user(user_id).await?;
        let user = user.ok_or(Error::Closed)?;
        let Some(email) = user.email.filter(|_| !user.is_email_verified) else {
            return Ok(());
        };
        let kind = LetterKind::EmailVerification;
        self.store.request_letter(kind, &normal_form(&email)).await
    }

    /// Once for each letter.
    pub(crate) async fn verify_email(&self, token: &OpaqueToken) -> Result<(), Error> {
        self.store.verify_email(&token.hash()).await
    }

    /// Makes the token of a letter; `None` when nobody is to be written to.
    pub(crate) async fn issue_token(
        &self,
        operation: &Operation,
        letter_id: ObjectId,
    ) -> Result<Option<IssuedLetter>, Error> {
        let token = OpaqueToken::generate();
        let addressee = self
            .store
            .issue_letter_token(operation, letter_id, &token.hash())
            .await?;
        Ok(addressee.map(|addressee| IssuedLetter { addressee, token }))
    }
}
