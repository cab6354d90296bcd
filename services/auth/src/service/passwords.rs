use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;

use argon2::password_hash::Error as HashError;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::error::Error;

/// Hashes passwords with argon2id on the blocking pool, no more at once than there are cores: each
/// takes 19 MiB and a core for a while, so that guessing is as expensive as it is here.
pub(crate) struct Passwords {
    places: Arc<Semaphore>,
    /// Verified against when there is no account, so that the answer takes as long as when there is.
    decoy: SecretString,
}

impl Passwords {
    /// # Errors
    /// When the system has no randomness to give.
    pub(crate) async fn open() -> Result<Self, Error> {
        let places = available_parallelism().map_or(1, NonZero::get);
        let mut passwords = Self {
            places: Arc::new(Semaphore::new(places)),
            decoy: SecretString::default(),
        };
        passwords.decoy = passwords.hash(SecretString::from("decoy")).await?;
        Ok(passwords)
    }

    pub(crate) async fn hash(&self, password: SecretString) -> Result<SecretString, Error> {
        self.in_turn(move || {
            let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
            hash.map(|hash| SecretString::from(hash.to_string()))
                .map_err(failed)
        })
        .await
    }

    /// Whether `password` is the one of `hash`; without a hash it is not, and takes as long.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        hash: Option<SecretString>,
    ) -> Result<bool, Error> {
        let has_account = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let matches = self.in_turn(move || is_of(&password, &hash)).await?;
        Ok(matches && has_account)
    }

    /// Whoever waited gives up the wait when the call is cancelled, but a hash that has begun keeps
    /// its place until it is done.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(failed)?;
        let working = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(place);
            outcome
        });
        working.await.map_err(failed)?
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Hashing(Box::new(error))
}

fn is_of(password: &SecretString, hash: &SecretString) -> Result<bool, Error> {
    let password = password.expose_secret().as_bytes();
    match Argon2::default().verify_password(password, hash.expose_secret()) {
        Ok(()) => Ok(true),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret, SecretString};

    use super::Passwords;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[tokio::test]
    async fn only_the_right_password_is_the_one() {
        let passwords = Passwords::open().await.unwrap();
        let hash = passwords.hash(secret("correct horse")).await.unwrap();
        assert!(
            hash.expose_secret()
                .starts_with("$argon2id$v=19$m=19456,t=2,p=1$")
        );
        let is_right = async |text, hash| passwords.verify(secret(text), hash).await.unwrap();
        assert!(is_right("correct horse", Some(hash.clone())).await);
        assert!(!is_right("battery staple", Some(hash)).await);
    }

    #[tokio::test]
    async fn nobody_knows_the_decoy() {
        let passwords = Passwords::open().await.unwrap();
        assert!(!passwords.verify(secret("decoy"), None).await.unwrap());
    }

    #[tokio::test]
    async fn equal_passwords_have_different_hashes() {
        let passwords = Passwords::open().await.unwrap();
        let [one, other] = [
            passwords.hash(secret("correct horse")).await.unwrap(),
            passwords.hash(secret("correct horse")).await.unwrap(),
        ];
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
