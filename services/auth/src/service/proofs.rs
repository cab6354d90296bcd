use std::sync::Arc;

use bson::oid::ObjectId;
use reen_error::FieldFailure;
use secrecy::SecretString;

use super::attempts::Attempts;
use super::passwords::Passwords;
use crate::error::Error;
use crate::store::Store;

/// Somebody who is signed in proves once more to be the user: whoever found an open session is not.
pub(crate) struct Proofs {
    store: Store,
    passwords: Arc<Passwords>,
    attempts: Attempts,
}

impl Proofs {
    pub(crate) fn new(store: Store, passwords: Arc<Passwords>, attempts: Attempts) -> Self {
        Self {
            store,
            passwords,
            attempts,
        }
    }

    /// The hash of the user's password, when `password` is that. Not too often wrong ones are looked at.
    pub(super) async fn password(
        &self,
        user_id: ObjectId,
        password: SecretString,
    ) -> Result<SecretString, Error> {
        let attempt = self.attempts.of_user(user_id).await?;
        let known = self.store.password_hash(user_id).await?;
        let is_right = self.passwords.verify(password, known.clone()).await?;
        let Some(known) = known.filter(|_| is_right) else {
            self.attempts.failed(&attempt).await?;
            return Err(wrong_password());
        };
        self.attempts.passed(&attempt).await?;
        Ok(known)
    }
}

/// Not a refusal of credentials: who asks is signed in, and stays so.
pub(super) fn wrong_password() -> Error {
    let message = "must be the password of this account";
    FieldFailure::new("currentPassword", "wrong", message).into()
}
