//! API keys: auth says whose they are and what for. The document says what each operation takes.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use moka::future::Cache;
use reen_error::{Code, Coded as _};
use reen_proto::auth::v1::{ResolveApiKeyRequest, ResolveApiKeyResponse};
use reen_proto::time::to_millis;

use super::{Fingerprint, fingerprint};
use crate::error::Error;
use crate::extract::SignedIn;
use crate::peers::Peers;
use crate::rules::Operation;
use crate::scope::Scope;

/// No token of ours or of Clerk's begins like this.
const BEGINNING: &str = "reen_";
/// What auth said of a key is believed for as long: so long works one that was taken back.
const BELIEVED_FOR: Duration = Duration::from_secs(10);
const MOST_BELIEVED: u64 = 10_000;

/// What a good key says.
#[derive(Clone)]
struct Grant {
    user: Arc<str>,
    scopes: Arc<[Scope]>,
    /// Milliseconds since the Unix epoch.
    expires_at: Option<i64>,
}

impl Grant {
    fn new(resolved: ResolveApiKeyResponse) -> Self {
        Self {
            scopes: resolved.scopes().filter_map(Scope::known).collect(),
            expires_at: resolved.expires_at.as_ref().map(to_millis),
            user: resolved.user_id.into(),
        }
    }

    fn is_over(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(i64::MAX, |now| {
            i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
        });
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}

/// Verifies API keys.
pub(crate) struct ApiKeys {
    peers: Peers,
    /// Nothing for a key that is none: those are tried as often.
    believed: Cache<Fingerprint, Option<Grant>>,
}

impl ApiKeys {
    /// Knows no key yet.
    pub(crate) fn new(peers: Peers) -> Self {
        let believed = Cache::builder()
            .max_capacity(MOST_BELIEVED)
            .time_to_live(BELIEVED_FOR);
        Self {
            peers,
            believed: believed.build(),
        }
    }

    /// Whether a bearer token is meant as a key.
    pub(crate) fn is_one(token: &str) -> bool {
        token.starts_with(BEGINNING)
    }

    /// The user of a key that may do what `operation` does.
    ///
    /// # Errors
    /// `unauthenticated` for what is no key any more, `insufficient_scope` for one that is not for this
    /// operation, `unavailable` when auth cannot be asked.
    pub(crate) async fn admit(&self, key: &str, operation: &Operation) -> Result<SignedIn, Error> {
        let known = self.believed.try_get_with(fingerprint(key), self.ask(key));
        let known = known.await.map_err(|error| Error::clone(&error))?;
        let grant = known.filter(|grant| !grant.is_over());
        let grant = grant.ok_or_else(|| Error::of(Code::Unauthenticated))?;
        if operation.opens_to_key_of(&grant.scopes) {
            return Ok(SignedIn::by_api_key(grant.user));
        }
        Err(Error::of(Code::InsufficientScope))
    }

    async fn ask(&self, key: &str) -> Result<Option<Grant>, Error> {
        let key = key.to_owned();
        let resolved = self
            .peers
            .api_keys()
            .resolve_api_key(ResolveApiKeyRequest { key })
            .await;
        match resolved.map_err(Error::from) {
            Ok(resolved) => Ok(Some(Grant::new(resolved.into_inner()))),
            Err(refused) if refused.code() == Code::Unauthenticated => Ok(None),
            Err(error) => Err(error),
        }
    }
}
