use std::sync::Arc;

use bson::DateTime;
use bson::oid::ObjectId;
use reen_error::FieldFailure;
use secrecy::{ExposeSecret as _, SecretString};

use super::proofs::Proofs;
use crate::domain::{
    MOST_GUESSES, PresentedCode, RecoveryCode, SealingKey, Step, TokenHash, TotpSecret, User,
};
use crate::error::Error;
use crate::store::{Guess, Store};

/// What signing in with a password takes beside the password, for who wants it so.
pub(crate) struct SecondFactors {
    store: Store,
    proofs: Arc<Proofs>,
    sealing_key: SealingKey,
}

/// What an authenticator app is told, once.
pub(crate) struct Enrolment {
    /// In base32.
    pub(crate) secret: String,
    pub(crate) uri: String,
}

impl SecondFactors {
    pub(crate) fn new(store: Store, proofs: Arc<Proofs>, sealing_key: SealingKey) -> Self {
        Self {
            store,
            proofs,
            sealing_key,
        }
    }

    /// Makes a secret for an app. It protects nothing until the app has shown a code of it.
    pub(crate) async fn begin(
        &self,
        user_id: ObjectId,
        password: SecretString,
    ) -> Result<Enrolment, Error> {
        self.proofs.password(user_id, password).await?;
        let user = self.user(user_id).await?;
        let secret = TotpSecret::generate();
        let sealed = self.sealing_key.seal(&user_id.bytes(), secret.expose())?;
        self.store.begin_second_factor(user_id, sealed).await?;
        Ok(Enrolment {
            secret: secret.base32()?,
            uri: secret.uri(&user.email.unwrap_or(user.name))?,
        })
    }

    /// Turns it on with a first code of the app, which ends every session, and answers the recovery codes.
    pub(crate) async fn confirm(
        &self,
        user_id: ObjectId,
        presented: Option<&PresentedCode>,
    ) -> Result<Vec<RecoveryCode>, Error> {
        let Some(PresentedCode::App(code)) = presented else {
            return Err(wrong_code());
        };
        let guess = self.take_guess(user_id).await?;
        if guess.is_confirmed {
            return Err(Error::SecondFactorOn);
        }
        let step = self
            .step_of(user_id, &guess, code)?
            .ok_or_else(wrong_code)?;
        let (codes, hashes) = recovery_codes();
        let is_confirmed = self
            .store
            .confirm_second_factor(user_id, &guess.sealed_secret, step, &hashes)
            .await?;
        // Another secret was asked for meanwhile: the code was of the one before.
        is_confirmed.then_some(codes).ok_or_else(wrong_code)
    }

    /// Turns it off.
    pub(crate) async fn end(
        &self,
        user_id: ObjectId,
        password: SecretString,
        presented: Option<&PresentedCode>,
    ) -> Result<(), Error> {
        self.proofs.password(user_id, password).await?;
        self.prove_code(user_id, presented).await?;
        if !self.store.end_second_factor(user_id).await? {
            return Err(Error::SecondFactorOff);
        }
        tracing::info!(user = %user_id, "the second factor was turned off");
        Ok(())
    }

    /// New recovery codes in the place of all others.
    pub(crate) async fn renew_recovery_codes(
        &self,
        user_id: ObjectId,
        presented: Option<&PresentedCode>,
    ) -> Result<Vec<RecoveryCode>, Error> {
        self.prove_code(user_id, presented).await?;
        let (codes, hashes) = recovery_codes();
        let are_renewed = self.store.renew_recovery_codes(user_id, &hashes).await?;
        are_renewed.then_some(codes).ok_or(Error::SecondFactorOff)
    }

    /// Takes the code of a user who signs in with a second factor and whose password was right. Only then it
    /// may be told that a code is needed.
    pub(super) async fn take(
        &self,
        user_id: ObjectId,
        presented: Option<&PresentedCode>,
    ) -> Result<(), Error> {
        let presented = presented.ok_or(Error::SecondFactorRequired)?;
        if self.use_up(user_id, presented).await? {
            return Ok(());
        }
        Err(Error::InvalidCode)
    }

    async fn prove_code(
        &self,
        user_id: ObjectId,
        presented: Option<&PresentedCode>,
    ) -> Result<(), Error> {
        if !self.user(user_id).await?.has_second_factor {
            return Err(Error::SecondFactorOff);
        }
        let presented = presented.ok_or_else(wrong_code)?;
        if self.use_up(user_id, presented).await? {
            return Ok(());
        }
        Err(wrong_code())
    }

    /// Uses up a code; whether it was one, and not used before.
    async fn use_up(&self, user_id: ObjectId, presented: &PresentedCode) -> Result<bool, Error> {
        match presented {
            PresentedCode::App(code) => {
                let guess = self.take_guess(user_id).await?;
                match self.step_of(user_id, &guess, code)? {
                    Some(step) => self.store.accept_step(user_id, step).await,
                    None => Ok(false),
                }
            }
            PresentedCode::Recovery(code) => {
                let hash = code.hash();
                let is_one = self.store.use_recovery_code(user_id, &hash).await?;
                if is_one {
                    tracing::info!(user = %user_id, "a recovery code was used");
                }
                Ok(is_one)
            }
        }
    }

    async fn take_guess(&self, user_id: ObjectId) -> Result<Guess, Error> {
        let guess = self.store.take_guess(user_id).await?;
        let guess = guess.ok_or(Error::SecondFactorOff)?;
        if guess.guesses > MOST_GUESSES {
            let wait = guess.end_at.saturating_duration_since(DateTime::now());
            return Err(Error::TooManyAttempts { wait });
        }
        Ok(guess)
    }

    fn step_of(
        &self,
        user_id: ObjectId,
        guess: &Guess,
        code: &SecretString,
    ) -> Result<Option<Step>, Error> {
        let secret = self
            .sealing_key
            .open(&user_id.bytes(), &guess.sealed_secret)?;
        let step = TotpSecret::from(secret).step_of(code.expose_secret(), DateTime::now());
        Ok(step?)
    }

    async fn user(&self, id: ObjectId) -> Result<User, Error> {
        self.store.present_user(id).await?.ok_or(Error::Closed)
    }
}

fn recovery_codes() -> (Vec<RecoveryCode>, Vec<TokenHash>) {
    let codes = RecoveryCode::generate_all();
    let hashes = codes.iter().map(RecoveryCode::hash).collect();
    (codes, hashes)
}

/// Not a refusal of credentials: who asks is signed in, and stays so.
fn wrong_code() -> Error {
    let message = "must be a code of this account that was not used yet";
    FieldFailure::new("code", "wrong", message).into()
}
