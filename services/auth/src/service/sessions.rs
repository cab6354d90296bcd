use std::sync::Arc;

use bson::DateTime;
use bson::oid::ObjectId;
use secrecy::SecretString;

use super::access_tokens::AccessTokens;
use super::attempts::{Attempt, Attempts};
use super::passwords::Passwords;
use super::proofs::{Proofs, wrong_password};
use super::second_factors::SecondFactors;
use crate::domain::{
    Client, NewUser, OpaqueToken, Password, Posting, PresentedCode, REFRESH_LIFETIME, User,
    normal_form,
};
use crate::error::Error;
use crate::store::{IssuedToken, NewAccount, Presented, Store};

/// Who comes in, stays in and goes out.
pub(crate) struct Sessions {
    store: Store,
    passwords: Arc<Passwords>,
    attempts: Attempts,
    proofs: Arc<Proofs>,
    second_factors: Arc<SecondFactors>,
    access_tokens: AccessTokens,
    starting_balance_cents: i64,
}

/// What somebody who is signed in holds.
pub(crate) struct Session {
    pub(crate) access_token: String,
    pub(crate) refresh_token: OpaqueToken,
    pub(crate) refresh_expires_at: DateTime,
    pub(crate) user: User,
    /// By which the client is known when it signs in again; absent where it did not sign in.
    pub(crate) device: Option<OpaqueToken>,
}

/// A refresh token for the client, and what is stored of it.
struct Fresh {
    token: OpaqueToken,
    issued: IssuedToken,
}

impl Sessions {
    pub(crate) fn new(
        store: Store,
        passwords: Arc<Passwords>,
        attempts: Attempts,
        proofs: Arc<Proofs>,
        second_factors: Arc<SecondFactors>,
        access_tokens: AccessTokens,
        starting_balance_cents: i64,
    ) -> Self {
        Self {
            store,
            passwords,
            attempts,
            proofs,
            second_factors,
            access_tokens,
            starting_balance_cents,
        }
    }

    pub(crate) async fn sign_up(
        &self,
        new_user: NewUser,
        client: &Client,
    ) -> Result<Session, Error> {
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
        self.begin_at(user, client).await
    }

    /// The same refusal after the same time, whether the address is unknown or the password wrong; also
    /// when there were too many of them.
    pub(crate) async fn sign_in(
        &self,
        email: &str,
        password: SecretString,
        code: Option<&PresentedCode>,
        client: &Client,
    ) -> Result<Session, Error> {
        let email_key = normal_form(email);
        let (user_id, hash) = match self.store.credential(&email_key).await? {
            Some(credential) => (Some(credential.user_id), credential.password_hash),
            None => (None, None),
        };
        let attempt = self
            .attempts
            .at_sign_in(&email_key, user_id, client)
            .await?;
        let is_right = self.passwords.verify(password, hash).await?;
        let user = match user_id {
            Some(user_id) if is_right => self.store.present_user(user_id).await?,
            _ => None,
        };
        let Some(user) = user else {
            self.attempts.failed(&attempt).await?;
            return Err(Error::InvalidCredentials);
        };
        if user.has_second_factor {
            self.take_code(user.id, code, &attempt).await?;
        }
        self.attempts.passed(&attempt).await?;
        self.begin_at(user, client).await
    }

    /// The password was right, which is told only while not too many were wrong. A wrong code counts like a
    /// wrong password.
    async fn take_code(
        &self,
        user_id: ObjectId,
        code: Option<&PresentedCode>,
        attempt: &Attempt,
    ) -> Result<(), Error> {
        self.attempts.check_again(attempt).await?;
        let taken = self.second_factors.take(user_id, code).await;
        if matches!(taken, Err(Error::InvalidCode)) {
            self.attempts.failed(attempt).await?;
        }
        taken
    }

    /// Whoever knows the password may change it. Every session ends, a thief's as well, and the one who
    /// asked gets a new one.
    pub(crate) async fn change_password(
        &self,
        user_id: ObjectId,
        current: SecretString,
        new: Password,
    ) -> Result<Session, Error> {
        let known = self.proofs.password(user_id, current).await?;
        let new = self.passwords.hash(new.into_secret()).await?;
        // Not if somebody else changed it meanwhile.
        if !self.store.change_password(user_id, &known, &new).await? {
            return Err(wrong_password());
        }
        self.begin_anew(user_id).await
    }

    /// Exchanges a refresh token. One that was exchanged before ends its family, also when an honest
    /// client presents it twice at the same moment: a thief's copy looks no different, so a client
    /// has to refresh from one place at a time.
    pub(crate) async fn refresh(&self, presented: &OpaqueToken) -> Result<Session, Error> {
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
        self.session(user, family_id, fresh).await
    }

    /// A token that nobody knows has nothing to end.
    pub(crate) async fn sign_out(&self, presented: &OpaqueToken) -> Result<(), Error> {
        self.store.end_session(&presented.hash()).await
    }

    pub(crate) async fn sign_out_everywhere(&self, user_id: ObjectId) -> Result<(), Error> {
        self.store.end_sessions(user_id).await
    }

    /// Begins a session of somebody who has just proved to be the user, and knows the client from now on.
    /// One that has a token keeps it, whoever signs in: people share computers.
    pub(super) async fn begin_at(&self, user: User, client: &Client) -> Result<Session, Error> {
        let device = client.device.clone();
        let device = device.unwrap_or_else(OpaqueToken::generate);
        self.store.remember_device(user.id, &device.hash()).await?;
        Ok(Session {
            device: Some(device),
            ..self.begin(user).await?
        })
    }

    /// Begins a session of a user whose sessions have just all ended.
    pub(crate) async fn begin_anew(&self, user_id: ObjectId) -> Result<Session, Error> {
        let user = self.store.present_user(user_id).await?;
        self.begin(user.ok_or(Error::Closed)?).await
    }

    async fn begin(&self, user: User) -> Result<Session, Error> {
        let family_id = ObjectId::new();
        let fresh = Fresh::generate();
        self.store
            .begin_session(family_id, user.id, &fresh.issued)
            .await?;
        self.session(user, family_id, fresh).await
    }

    async fn session(
        &self,
        user: User,
        family_id: ObjectId,
        fresh: Fresh,
    ) -> Result<Session, Error> {
        let now = fresh.issued.created_at;
        Ok(Session {
            access_token: self.access_tokens.issue(user.id, family_id, now).await?,
            refresh_token: fresh.token,
            refresh_expires_at: fresh.issued.expires_at,
            user,
            device: None,
        })
    }
}

impl Fresh {
    fn generate() -> Self {
        let token = OpaqueToken::generate();
        let created_at = DateTime::now();
        let issued = IssuedToken {
            hash: token.hash(),
            created_at,
            expires_at: created_at.saturating_add_duration(REFRESH_LIFETIME),
        };
        Self { token, issued }
    }
}
