//! Access tokens: JWTs that auth signs with Ed25519 and anybody verifies with its published keys.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reen_error::Code;
use reen_proto::auth::v1::GetJwksRequest;
use serde::Deserialize;
use tokio::sync::{Mutex, watch};

use crate::error::Error;
use crate::extract::is_object_id;
use crate::peers::Peers;

const ISSUER: &str = "reen-auth";
const AUDIENCE: &str = "reen";
/// For clocks that differ a little.
const LEEWAY_SECONDS: u64 = 5;
/// Tokens with invented key ids make the gateway ask auth no more often than this.
const SHORTEST_REFRESH: Duration = Duration::from_secs(10);
/// Who waited while a refresh failed gets that failure instead of trying in turn.
const FAILURE_SHARED: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

/// Auth's keys, as far as they are known.
#[derive(Default)]
struct KeyRing {
    by_id: HashMap<String, DecodingKey>,
    fetched: Option<Instant>,
}

impl KeyRing {
    fn is_fresh(&self) -> bool {
        self.fetched
            .is_some_and(|fetched| fetched.elapsed() < SHORTEST_REFRESH)
    }
}

/// Verifies access tokens. Keys are fetched when a token names one that is not known.
pub(crate) struct AccessTokens {
    peers: Peers,
    keys: watch::Sender<Arc<KeyRing>>,
    /// Held by the one who asks auth; remembers how the last attempt failed.
    refreshing: Mutex<Option<(Instant, Error)>>,
    validation: Validation,
}

impl AccessTokens {
    /// Knows no key yet.
    pub(crate) fn new(peers: Peers) -> Self {
        reen_chassis::jwt::install();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        Self {
            peers,
            keys: watch::Sender::new(Arc::default()),
            refreshing: Mutex::default(),
            validation,
        }
    }

    /// The user whom `token` names.
    ///
    /// # Errors
    /// `unauthenticated` for a token that is not good; `unavailable` when auth's keys cannot be had.
    pub(crate) async fn verify(&self, token: &str) -> Result<Arc<str>, Error> {
        let header = jsonwebtoken::decode_header(token).map_err(refused)?;
        let key_id = header.kid.ok_or_else(|| Error::of(Code::Unauthenticated))?;
        let keys = self.keys_with(&key_id).await?;
        let Some(key) = keys.by_id.get(&key_id) else {
            return Err(Error::of(Code::Unauthenticated));
        };
        let token = jsonwebtoken::decode::<Claims>(token, key, &self.validation);
        let user = token.map_err(refused)?.claims.sub;
        if is_object_id(&user) {
            Ok(user.into())
        } else {
            Err(Error::of(Code::Unauthenticated))
        }
    }

    async fn keys_with(&self, key_id: &str) -> Result<Arc<KeyRing>, Error> {
        let known = self.keys.borrow().clone();
        if known.by_id.contains_key(key_id) {
            return Ok(known);
        }
        self.refresh(&known).await
    }

    /// One asks auth, the others wait for what it gets. Tokens with known keys never come here.
    async fn refresh(&self, seen: &Arc<KeyRing>) -> Result<Arc<KeyRing>, Error> {
        let mut last_failure = self.refreshing.lock().await;
        let known = self.keys.borrow().clone();
        if known.is_fresh() || !Arc::ptr_eq(&known, seen) {
            return Ok(known);
        }
        if let Some((at, error)) = &*last_failure
            && at.elapsed() < FAILURE_SHARED
        {
            return Err(error.clone());
        }
        match self.fetch().await {
            Ok(fetched) => {
                let fetched = Arc::new(fetched);
                self.keys.send_replace(fetched.clone());
                *last_failure = None;
                Ok(fetched)
            }
            Err(error) => {
                *last_failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn fetch(&self) -> Result<KeyRing, Error> {
        let answer = self.peers.auth().get_jwks(GetJwksRequest {}).await?;
        let set: JwkSet =
            serde_json::from_str(&answer.into_inner().jwks_json).map_err(Error::internal)?;
        let keys = set.keys.iter().filter_map(|jwk| {
            let id = jwk.common.key_id.clone()?;
            Some((id, DecodingKey::from_jwk(jwk).ok()?))
        });
        Ok(KeyRing {
            by_id: keys.collect(),
            fetched: Some(Instant::now()),
        })
    }
}

fn refused(error: jsonwebtoken::errors::Error) -> Error {
    Error::of(Code::Unauthenticated).because(error)
}
