//! Bearer tokens: our own, which auth signs with Ed25519, and session tokens of Clerk. Anybody verifies
//! them with the issuer's published keys. And API keys, of which auth alone can tell.

mod api_key;
mod clerk;
mod keys;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, Validation};
use moka::future::Cache;
use reen_error::Code;
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use crate::error::Error;
use crate::extract::is_object_id;
use crate::peers::Peers;
use clerk::ClerkTokens;
use keys::{Keys, Source};

pub(crate) use api_key::ApiKeys;
pub use clerk::{ClerkIssuer, Parties};

const ISSUER: &str = "reen-auth";
const AUDIENCE: &str = "reen";
/// For clocks that differ a little.
const LEEWAY_SECONDS: u64 = 5;
/// A verified token is believed for as long without verifying it again: so long works a key that was
/// taken back, and an account that was closed at Clerk.
const BELIEVED_FOR: Duration = Duration::from_secs(60);
const MOST_BELIEVED: u64 = 50_000;

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

/// What a good token says.
#[derive(Clone)]
struct Verified {
    user: Arc<str>,
    /// Unix seconds.
    expires_at: u64,
}

impl Verified {
    fn new(user: String, expires_at: u64) -> Result<Self, Error> {
        if !is_object_id(&user) {
            return Err(Error::of(Code::Unauthenticated));
        }
        let user = user.into();
        Ok(Self { user, expires_at })
    }

    fn is_over(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.is_ok_and(|now| now.as_secs() > self.expires_at.saturating_add(LEEWAY_SECONDS))
    }
}

/// What stands for a token where it is remembered, so that the token itself is not.
type Fingerprint = [u8; 32];

/// Verifies bearer tokens.
pub(crate) struct AccessTokens {
    keys: Keys,
    validation: Validation,
    clerk: Option<ClerkTokens>,
    believed: Cache<Fingerprint, Verified>,
}

impl AccessTokens {
    /// Knows no key yet.
    pub(crate) fn new(peers: Peers, clerk: Option<ClerkIssuer>) -> Self {
        reen_chassis::jwt::install();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        let believed = Cache::builder()
            .max_capacity(MOST_BELIEVED)
            .time_to_live(BELIEVED_FOR);
        Self {
            keys: Keys::of(Source::Own, peers.clone()),
            validation,
            clerk: clerk.map(|clerk| ClerkTokens::new(peers, clerk)),
            believed: believed.build(),
        }
    }

    /// The user whom `token` names. A token that was good is good until it expires, but is verified
    /// anew every minute; of several requests with the same new token, one verifies it.
    ///
    /// # Errors
    /// `unauthenticated` for a token that is not good; `unavailable` when its issuer's keys or user
    /// cannot be had.
    pub(crate) async fn verify(&self, token: &str) -> Result<Arc<str>, Error> {
        let verifying = self.verify_anew(token);
        let verified = self.believed.try_get_with(fingerprint(token), verifying);
        let verified = verified.await.map_err(|error| Error::clone(&error))?;
        if verified.is_over() {
            return Err(Error::of(Code::Unauthenticated));
        }
        Ok(verified.user)
    }

    /// The keys that verify our own tokens, as a JSON Web Key Set.
    ///
    /// # Errors
    /// `unavailable` when auth is away.
    pub(crate) async fn key_set(&self) -> Result<Arc<str>, Error> {
        self.keys.set().await
    }

    async fn verify_anew(&self, token: &str) -> Result<Verified, Error> {
        let header = jsonwebtoken::decode_header(token).map_err(refused)?;
        let key_id = header.kid.ok_or_else(|| Error::of(Code::Unauthenticated))?;
        match (header.alg, &self.clerk) {
            (Algorithm::RS256, Some(clerk)) => clerk.verify(token, &key_id).await,
            _ => self.verify_own(token, &key_id).await,
        }
    }

    async fn verify_own(&self, token: &str, key_id: &str) -> Result<Verified, Error> {
        let key = self.keys.key(key_id).await?;
        let token = jsonwebtoken::decode::<Claims>(token, &key, &self.validation);
        let claims = token.map_err(refused)?.claims;
        Verified::new(claims.sub, claims.exp)
    }
}

fn fingerprint(token: &str) -> Fingerprint {
    let mut fingerprint = Fingerprint::default();
    fingerprint.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    fingerprint
}

fn refused(error: jsonwebtoken::errors::Error) -> Error {
    Error::of(Code::Unauthenticated).because(error)
}
