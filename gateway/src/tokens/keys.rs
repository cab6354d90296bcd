use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::JwkSet;
use moka::future::Cache;
use reen_error::Code;
use reen_proto::auth::v1::{GetClerkJwksRequest, GetJwksRequest};
use tokio::sync::{Mutex, watch};

use crate::error::Error;
use crate::peers::Peers;

/// Tokens with invented key ids make the gateway ask auth no more often than this.
const SHORTEST_REFRESH: Duration = Duration::from_secs(10);
/// Keys that were taken back are not taken any more after this time, as long as auth answers.
const LONGEST_KEPT: Duration = Duration::from_secs(10 * 60);
/// How long the set is shown without asking auth.
const SHOWN_FOR: Duration = Duration::from_secs(10);
/// Who waited while a refresh failed gets that failure instead of trying in turn.
const FAILURE_SHARED: Duration = Duration::from_millis(500);

/// Whose keys. Auth tells both.
#[derive(Clone, Copy)]
pub(super) enum Source {
    Own,
    Clerk,
}

/// The keys of one issuer, fetched when a token names one that is not known.
pub(super) struct Keys {
    source: Source,
    peers: Peers,
    known: watch::Sender<Arc<KeyRing>>,
    /// Held by the one who asks auth; remembers how the last attempt failed.
    refreshing: Mutex<Option<(Instant, Error)>>,
    /// The set as text, for others.
    shown: Cache<(), Arc<str>>,
}

/// Keys as far as they are known.
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

    fn is_old(&self) -> bool {
        self.fetched
            .is_some_and(|fetched| fetched.elapsed() > LONGEST_KEPT)
    }
}

impl Keys {
    /// Knows no key yet.
    pub(super) fn of(source: Source, peers: Peers) -> Self {
        Self {
            source,
            peers,
            known: watch::Sender::new(Arc::default()),
            refreshing: Mutex::default(),
            shown: Cache::builder()
                .max_capacity(1)
                .time_to_live(SHOWN_FOR)
                .build(),
        }
    }

    /// The set as it is published, at most some seconds old.
    pub(super) async fn set(&self) -> Result<Arc<str>, Error> {
        let fetching = async { self.published().await.map(Arc::from) };
        let shown = self.shown.try_get_with((), fetching).await;
        shown.map_err(|error: Arc<Error>| Error::clone(&error))
    }

    /// The key of this id.
    ///
    /// # Errors
    /// `unauthenticated` when there is none; `unavailable` when the keys cannot be had.
    pub(super) async fn key(&self, id: &str) -> Result<DecodingKey, Error> {
        let mut ring = self.known.borrow().clone();
        if !ring.by_id.contains_key(id) {
            ring = self.refresh(&ring).await?;
        } else if ring.is_old() {
            // Without auth the old ones do.
            ring = self.refresh(&ring).await.unwrap_or(ring);
        }
        let key = ring.by_id.get(id).cloned();
        key.ok_or_else(|| Error::of(Code::Unauthenticated))
    }

    /// One asks auth, the others wait for what it gets. Tokens with keys that were fetched lately never come here.
    async fn refresh(&self, seen: &Arc<KeyRing>) -> Result<Arc<KeyRing>, Error> {
        let mut last_failure = self.refreshing.lock().await;
        let known = self.known.borrow().clone();
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
                self.known.send_replace(fetched.clone());
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
        let set: JwkSet =
            serde_json::from_str(&self.published().await?).map_err(Error::internal)?;
        let keys = set.keys.iter().filter_map(|jwk| {
            let id = jwk.common.key_id.clone()?;
            Some((id, DecodingKey::from_jwk(jwk).ok()?))
        });
        Ok(KeyRing {
            by_id: keys.collect(),
            fetched: Some(Instant::now()),
        })
    }

    async fn published(&self) -> Result<String, Error> {
        let mut auth = self.peers.auth();
        Ok(match self.source {
            Source::Own => {
                auth.get_jwks(GetJwksRequest {})
                    .await?
                    .into_inner()
                    .jwks_json
            }
            Source::Clerk => {
                let answer = auth.get_clerk_jwks(GetClerkJwksRequest {}).await?;
                answer.into_inner().jwks_json
            }
        })
    }
}
