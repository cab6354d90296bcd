//! The name that a client gave its request (`Idempotency-Key`), on its way from the gateway to the service
//! that has the effect, and the word on the way back that the answer is not a new one.
//!
//! The key travels as a digest: what clients write into headers is neither sent around nor stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::TryFutureExt as _;
use futures::future::MapOk;
use http::{HeaderMap, Uri};
use ring::digest::{Digest, SHA256, digest};
use tonic::body::Body;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};
use tower::Service;

use reen_error::Coded;

use crate::context::{CallContext, Caller};
use crate::server::refuse;

/// The metadata key of `{digest of the key}.{digest of what is asked for}`.
pub(crate) const KEY_HEADER: &str = "x-reen-idempotency-key";
/// Set in the metadata of an answer that was given before.
const REPLAYED_HEADER: &str = "x-reen-replayed";

/// A named request, as the process that received it knows it. Calls that are made within its
/// [`CallContext`] carry the name; whom they ask does not carry it further.
#[derive(Clone, Debug)]
pub struct IdempotencyKey {
    name: Arc<str>,
    fingerprint: Arc<str>,
    replayed: Arc<AtomicBool>,
}

impl IdempotencyKey {
    /// The request that the client calls `key`, which asks for what all of `request` says: two requests
    /// are the same if each part is.
    #[must_use]
    pub fn new<'part>(key: &str, request: impl IntoIterator<Item = &'part [u8]>) -> Self {
        // A digest of digests: no part can pretend to be the end of the one before it.
        let parts: Vec<Digest> = request.into_iter().map(digest_of).collect();
        let parts: Vec<&[u8]> = parts.iter().map(AsRef::as_ref).collect();
        let (name, fingerprint) = (digest_of(key.as_bytes()), digest_of(&parts.concat()));
        Self {
            name: hex::encode(name).into(),
            fingerprint: hex::encode(fingerprint).into(),
            replayed: Arc::default(),
        }
    }

    /// Whether a service has answered what it had answered before.
    #[must_use]
    pub fn was_replayed(&self) -> bool {
        self.replayed.load(Ordering::Relaxed)
    }

    /// The digest of the client's key.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As it travels.
    pub(crate) fn text(&self) -> String {
        format!("{}.{}", self.name, self.fingerprint)
    }
}

fn digest_of(bytes: &[u8]) -> Digest {
    digest(&SHA256, bytes)
}

/// A named request, as the service that has the effect knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    id: String,
    fingerprint: String,
}

impl RequestKey {
    /// The name of a call of `method` on behalf of `user`.
    #[must_use]
    pub fn new(user: &str, method: &str, key: &IdempotencyKey) -> Self {
        Self::named(user, method, &key.name, &key.fingerprint)
    }

    /// The name of a request that came through [`crate::server`], if it has one.
    #[must_use]
    pub fn of<T>(request: &Request<T>) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }

    /// Whose it is, what it asks for, and its name: two requests with the same are the same one.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Differs when the client uses a name again for something else.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// A part of the request that has an effect of its own.
    #[must_use]
    pub fn part(&self, name: &str) -> Self {
        Self {
            id: format!("{}/{name}", self.id),
            fingerprint: self.fingerprint.clone(),
        }
    }

    /// Reads the name of a call. Only who is signed in has names: they are one user's.
    pub(crate) fn read(caller: &Caller, uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let user = caller.user.as_deref()?;
        let text = headers.get(KEY_HEADER)?.to_str().ok()?;
        let (name, fingerprint) = text.split_once('.')?;
        Some(Self::named(user, uri.path(), name, fingerprint))
    }

    fn named(user: &str, method: &str, name: &str, fingerprint: &str) -> Self {
        Self {
            id: format!("{user}{method}/{name}"),
            fingerprint: fingerprint.to_owned(),
        }
    }
}

/// The answer to a request that may have a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered<A> {
    /// What was answered.
    pub answer: A,
    /// Whether that was before: now nothing was done.
    pub is_replay: bool,
}

impl<A> Answered<A> {
    /// What a handler answers a call that may have a name.
    ///
    /// # Errors
    /// The refusal, as [`refuse`] makes it.
    pub fn respond(outcome: Result<Self, impl Coded>) -> Result<Response<A>, Status> {
        let response = outcome.map(Self::into_response);
        response.map_err(|error| refuse(&error))
    }

    /// As it is sent.
    #[must_use]
    pub fn into_response(self) -> Response<A> {
        let mut response = Response::new(self.answer);
        if self.is_replay {
            let yes = MetadataValue::from_static("true");
            response.metadata_mut().insert(REPLAYED_HEADER, yes);
        }
        response
    }
}

/// Tells the [`CallContext`] when an answer is not a new one.
#[derive(Clone, Debug)]
pub struct NotesReplays<S>(pub(crate) S);

impl<S, B> Service<http::Request<Body>> for NotesReplays<S>
where
    S: Service<http::Request<Body>, Response = http::Response<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = MapOk<S::Future, fn(S::Response) -> S::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.0.call(request).map_ok(note_replay)
    }
}

fn note_replay<B>(response: http::Response<B>) -> http::Response<B> {
    if response.headers().contains_key(REPLAYED_HEADER)
        && let Some(key) = CallContext::current().idempotency
    {
        key.replayed.store(true, Ordering::Relaxed);
    }
    response
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Uri};

    use super::{Answered, IdempotencyKey, KEY_HEADER, REPLAYED_HEADER, RequestKey};
    use crate::context::Caller;

    fn read(user: Option<&str>, path: &str, key: &IdempotencyKey) -> Option<RequestKey> {
        let caller = Caller {
            service: "gateway".into(),
            user: user.map(Into::into),
        };
        let mut headers = HeaderMap::new();
        headers.insert(KEY_HEADER, key.text().parse().unwrap());
        RequestKey::read(&caller, &path.parse::<Uri>().unwrap(), &headers)
    }

    #[test]
    fn a_name_is_one_users_and_of_one_method() {
        let key = IdempotencyKey::new("k", [&b"body"[..]]);
        let first = read(Some("alice"), "/S/Add", &key).unwrap();
        assert_eq!(Some(&first), read(Some("alice"), "/S/Add", &key).as_ref());
        for other in [("bob", "/S/Add"), ("alice", "/S/Remove")] {
            assert_ne!(read(Some(other.0), other.1, &key).unwrap().id(), first.id());
        }
        assert_eq!(read(None, "/S/Add", &key), None, "nobody is signed in");
        assert_ne!(first.part("1").id(), first.part("2").id());
    }

    #[test]
    fn a_fingerprint_tells_what_is_asked_for() {
        let fingerprint = |parts: &[&'static str]| {
            let key = IdempotencyKey::new("k", parts.iter().map(|part| part.as_bytes()));
            let read = read(Some("alice"), "/S/Add", &key).unwrap();
            read.fingerprint().to_owned()
        };
        assert_eq!(fingerprint(&["POST", "{}"]), fingerprint(&["POST", "{}"]));
        assert_ne!(fingerprint(&["POST", "{}"]), fingerprint(&["POST", "[]"]));
        assert_ne!(fingerprint(&["ab", "c"]), fingerprint(&["a", "bc"]));
    }

    #[test]
    fn only_a_replay_says_that_it_is_one() {
        for is_replay in [true, false] {
            let answer = ();
            let response = Answered { answer, is_replay }.into_response();
            let metadata = response.metadata();
            assert_eq!(metadata.contains_key(REPLAYED_HEADER), is_replay);
        }
    }
}
