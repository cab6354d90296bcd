use bson::DateTime;
use bson::oid::ObjectId;
use reen_error::FieldFailure;
use secrecy::SecretString;

use super::access_tokens::{AccessTokens, key_set};
use super::passwords::Passwords;
use crate::domain::{
    NewUser, Password, Posting, REFRESH_LIFETIME, RefreshToken, User, normal_form,
};
use crate::error::Error;
use crate::store::{IssuedToken, NewAccount, Presented, Store};

/// Who comes in, stays in and goes out.
pub(crate) struct Sessions {
    store: Store,
    passwords: Passwords,
    access_tokens: AccessTokens,
    starting_balance_cents: i64,
}

/// What somebody who is signed in holds.
pub(crate) struct Session {
    pub(crate) access_token: String,
    pub(crate) refresh_token: RefreshToken,
    pub(crate) refresh_expires_at: DateTime,
    pub(crate) user: User,
}

/// A refresh token for the client, and what is stored of it.
struct Fresh {
    token: RefreshToken,
    issued: IssuedToken,
}

impl Sessions {
    pub(crate) fn new(
        store: Store,
        passwords: Passwords,
        access_tokens: AccessTokens,
        starting_balance_cents: i64,
    ) -> Self {
        Self {
            store,
            passwords,
            access_tokens,
            starting_balance_cents,
        }
    }

    pub(crate) async fn sign_up(&self, new_user: NewUser) -> Result<Session, Error> {
        let id = ObjectId::new();
        let opening = Posting::opening(id, self.starting_balance_cents)?;
        let password = new_user.password.into_secret();
        let account = NewAccount {
            id,
            name: new_user.name,
            email: new_user.email,
            password_hash: self.passwords.hash(password).await?,
            opening,
        };
        let user = self.store.sign_up(&account).await?;
        self.begin(user).await
    }

    /// The same refusal after the same time, whether the address is unknown or the password wrong.
    pub(crate) async fn sign_in(
        &self,
        email: &str,
        password: SecretString,
    ) -> Result<Session, Error> {
        let credential = self.store.credential(&normal_form(email)).await?;
        let (user_id, hash) = match credential {
            Some(credential) => (Some(credential.user_id), credential.password_hash),
            None => (None, None),
        };
        let is_right = self.passwords.verify(password, hash).await?;
        let user = match user_id {
            Some(user_id) if is_right => self.store.present_user(user_id).await?,
            _ => None,
        };
        self.begin(user.ok_or(Error::InvalidCredentials)?).await
    }

    /// Whoever knows the password may change it. Every session ends, a thief's as well, and the one who
    /// asked gets a new one.
    pub(crate) async fn change_password(
        &self,
        user_id: ObjectId,
        current: SecretString,
        new: Password,
    ) -> Result<Session, Error> {
        let known = self.store.password_hash(user_id).await?;
        let is_right = self.passwords.verify(current, known.clone()).await?;
        let Some(known) = known.filter(|_| is_right) else {
            return Err(wrong_password());
        };
        let new = self.passwords.hash(new.into_secret()).await?;
        // Not if somebody else changed it meanwhile.
        if !self.store.change_password(user_id, &known, &new).await? {
            return Err(wrong_password());
        }
        let user = self.store.present_user(user_id).await?;
        self.begin(user.ok_or(Error::Closed)?).await
    }

    /// Exchanges a refresh token. One that was exchanged before ends its family, also when an honest
    /// client presents it twice at the same moment: a thief's copy looks no different, so a client
    /// has to refresh from one place at a time.
    pub(crate) async fn refresh(&self, presented: &RefreshToken) -> Result<Session, Error> {
        let fresh = Fresh::generate();
        let outcome = self
            .store
            .exchange(&presented.hash(), &fresh.issued)
            .await?;
        let (family_id, user_id) = match outcome {
            Presented::Exchanged { family_id, user_id } => (family_id, user_id),
            Presented::Again { family_id, user_id } => {
                tracing::warn!(%user_id, %family_id, "a refresh token came again; the session is over");
                return Err(Error::InvalidRefreshToken);
            }
            Presented::Unknown => return Err(Error::InvalidRefreshToken),
        };
        let user = self.store.present_user(user_id).await?;
        let user = user.ok_or(Error::InvalidRefreshToken)?;
        self.session(user, family_id, fresh)
    }

    /// A token that nobody knows has nothing to end.
    pub(crate) async fn sign_out(&self, presented: &RefreshToken) -> Result<(), Error> {
        self.store.end_session(&presented.hash()).await
    }

    pub(crate) async fn sign_out_everywhere(&self, user_id: ObjectId) -> Result<(), Error> {
        self.store.end_sessions(user_id).await
    }

    /// The public keys of access tokens, as a JSON Web Key Set.
    pub(crate) async fn published_keys(&self) -> Result<String, Error> {
        key_set(self.store.published_keys().await?)
    }

    async fn begin(&self, user: User) -> Result<Session, Error> {
        let family_id = ObjectId::new();
        let fresh = Fresh::generate();
        self.store
            .begin_session(family_id, user.id, &fresh.issued)
            .await?;
        self.session(user, family_id, fresh)
    }

    fn session(&self, user: User, family_id: ObjectId, fresh: Fresh) -> Result<Session, Error> {
        let now = fresh.issued.created_at;
        Ok(Session {
            access_token: self.access_tokens.issue(user.id, family_id, now)?,
            refresh_token: fresh.token,
            refresh_expires_at: fresh.issued.expires_at,
            user,
        })
    }
}

/// Not a refusal of credentials: who asks is signed in, and stays so.
fn wrong_password() -> Error {
    let message = "must be the password of this account";
    FieldFailure::new("currentPassword", "wrong", message).into()
}

impl Fresh {
    fn generate() -> Self {
        let token = RefreshToken::generate();
        let created_at = DateTime::now();
        let issued = IssuedToken {
            hash: token.hash(),
            created_at,
            expires_at: created_at.saturating_add_duration(REFRESH_LIFETIME),
        };
        Self { token, issued }
    }
}
