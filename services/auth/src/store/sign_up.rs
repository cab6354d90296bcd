use bson::DateTime;
use bson::oid::ObjectId;
use mongodb::ClientSession;
use reen_mongo::Transaction;
use secrecy::{ExposeSecret, SecretString};

use super::Store;
use super::document::{NewUserDocument, PostingDocument, UserDocument};
use crate::domain::{Email, LetterKind, Name, Posting, Role, User};
use crate::error::Error;

/// A user who is to be, with the posting that opens the account.
pub(crate) struct NewAccount {
    pub(crate) id: ObjectId,
    pub(crate) name: Name,
    pub(crate) email: Email,
    pub(crate) password_hash: SecretString,
    pub(crate) opening: Posting,
}

impl Store {
    /// Inserts a buyer, opens the account and asks for the letter that verifies the address: all or nothing.
    pub(crate) async fn sign_up(&self, account: &NewAccount) -> Result<User, Error> {
        let user = new_buyer(account.id, &account.name, Some(&account.email));
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let new_user = NewUserDocument {
                user: user.clone(),
                email_key: Some(account.email.normal_form()),
                password_hash: Some(account.password_hash.expose_secret()),
            };
            let attempt = self
                .sign_up_once(transaction.session(), new_user, &account.opening)
                .await;
            if let Some(user) = transaction.settle(attempt).await? {
                self.outbox.nudge();
                return Ok(user.into());
            }
        }
    }

    async fn sign_up_once(
        &self,
        session: &mut ClientSession,
        new_user: NewUserDocument<'_>,
        opening: &Posting,
    ) -> Result<UserDocument, Error> {
        let email_key = new_user.email_key.clone().unwrap_or_default();
        let user = self.open_account(session, new_user, opening).await?;
        let kind = LetterKind::EmailVerification;
        self.put_letter(session, kind, &email_key).await?;
        Ok(user)
    }

    /// Inserts a user with the posting that opens the account.
    pub(super) async fn open_account(
        &self,
        session: &mut ClientSession,
        mut new_user: NewUserDocument<'_>,
        opening: &Posting,
    ) -> Result<UserDocument, Error> {
        let id = new_user.user.id;
        if let Some(opening) = opening.movements().get(&id) {
            new_user.user.balance_cents = opening.balance_cents;
        }
        let new_users = self.users.clone_with_type::<NewUserDocument<'_>>();
        let inserted = new_users.insert_one(&new_user).session(&mut *session).await;
        match inserted.map_err(reen_mongo::Error::from) {
            Ok(_) => {}
            Err(error) if error.is_duplicate_key() => return Err(Error::EmailTaken),
            Err(error) => return Err(error.into()),
        }
        if !opening.is_empty() {
            let record = PostingDocument::new(&format!("opening-{id}"), opening);
            self.insert_posting(session, record).await?;
        }
        Ok(new_user.user)
    }
}

pub(super) fn new_buyer(id: ObjectId, name: &Name, email: Option<&Email>) -> UserDocument {
    let mut buyer = UserDocument::new(id, name.as_str(), Role::Buyer, DateTime::now());
    buyer.email = email.map(|email| email.as_str().to_owned());
    buyer
}
