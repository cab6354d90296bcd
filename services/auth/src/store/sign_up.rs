use bson::DateTime;
use bson::oid::ObjectId;
use mongodb::ClientSession;
use reen_mongo::Transaction;
use secrecy::{ExposeSecret, SecretString};

use super::Store;
use super::document::{NewUserDocument, PostingDocument, UserDocument};
use crate::domain::{Email, Name, Posting, Role, User};
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
    /// Inserts a buyer and opens the account, both or neither.
    pub(crate) async fn sign_up(&self, account: &NewAccount) -> Result<User, Error> {
        let mut user = UserDocument::new(
            account.id,
            account.name.as_str(),
            Role::Buyer,
            DateTime::now(),
        );
        user.email = Some(account.email.as_str().to_owned());
        if let Some(opening) = account.opening.movements().get(&account.id) {
            user.balance_cents = opening.balance_cents;
        }
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .sign_up_once(transaction.session(), account, &user)
                .await;
            if transaction.settle(attempt).await?.is_some() {
                return Ok(user.into());
            }
        }
    }

    async fn sign_up_once(
        &self,
        session: &mut ClientSession,
        account: &NewAccount,
        user: &UserDocument,
    ) -> Result<(), Error> {
        let new_user = NewUserDocument {
            user,
            email_key: account.email.normal_form(),
            password_hash: account.password_hash.expose_secret(),
        };
        let new_users = self.users.clone_with_type::<NewUserDocument<'_>>();
        let inserted = new_users.insert_one(new_user).session(&mut *session).await;
        match inserted.map_err(reen_mongo::Error::from) {
            Ok(_) => {}
            Err(error) if error.is_duplicate_key() => return Err(Error::EmailTaken),
            Err(error) => return Err(error.into()),
        }
        if account.opening.is_empty() {
            return Ok(());
        }
        let id = format!("opening-{}", account.id);
        let opening = PostingDocument::new(&id, &account.opening);
        self.insert_posting(session, opening).await
    }
}
