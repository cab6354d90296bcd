//! Requests that clients named with a key: each has its effect at most once, and its answer is given again.

mod claim;
mod lone_write;
mod record;

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use prost::Message;
use reen_chassis::{Answered, CallContext, RequestKey};
use reen_error::{Code, Coded};

use crate::{Collection, Database, Error, Indexes};
pub use claim::Claim;
pub use lone_write::LoneWrite;
use record::{Record, Standing};

const COLLECTION: &str = "idempotency";
/// How long a key names its request: as long as a client may still repeat it.
const KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The requests that a service was asked by name, in its own database.
///
/// A name is *claimed* before anything is done. The answer is written in the transaction of the effect, on
/// the condition that the claim is still the caller's: neither is ever there without the other. A claim that
/// came to nothing is given back; one whose process died is taken over when its lease is over, and whoever
/// lost it so can commit nothing any more.
#[derive(Clone, Debug)]
pub struct Idempotency {
    requests: Collection<Record>,
}

/// Why a named request is not answered.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// The client used the key before, for something else.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The same request is being worked on; what will be answered is not known yet.
    #[error("a request with this Idempotency-Key is still being worked on")]
    InFlight,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
}

impl Coded for IdempotencyError {
    fn code(&self) -> Code {
        match self {
            Self::KeyReused => Code::IdempotencyKeyReused,
            Self::InFlight => Code::IdempotencyInFlight,
            Self::Store(error) => error.code(),
        }
    }
}

impl IdempotencyError {
    /// The database's error, when it is one.
    #[must_use]
    pub fn database(&self) -> Option<&Error> {
        match self {
            Self::Store(error) => Some(error),
            Self::KeyReused | Self::InFlight => None,
        }
    }
}

impl Idempotency {
    /// The requests of a service: the collection `idempotency`.
    #[must_use]
    pub fn open(database: &Database) -> Self {
        Self {
            requests: database.collection(COLLECTION),
        }
    }

    /// The index that forgets old requests, for a migration of the service.
    #[must_use]
    pub fn indexes() -> Indexes {
        let forget = IndexOptions::builder().expire_after(KEPT_FOR).build();
        let by_age = IndexModel::builder()
            .keys(doc! {"claimedAt": 1})
            .options(forget)
            .build();
        Indexes::of(COLLECTION, [by_age])
    }

    /// Does `work` for this request, or answers what it came to before. A request without a name is
    /// worked on as if this were not here.
    ///
    /// The work keeps its answer with its effect: by [`Claim::keep`] in a transaction of its own, or by
    /// [`Claim::begin`]. When it has no effect of its own in this database, its answer is kept afterwards.
    /// Named work goes on when the caller hangs up, so that a repeat finds an answer and not a claim.
    ///
    /// Refusals are not kept: the same request later may succeed.
    ///
    /// # Errors
    /// [`IdempotencyError`], and what the work refuses with.
    pub async fn once<T, A, E, F>(
        &self,
        key: Option<RequestKey>,
        view: impl Fn(T) -> A + Send + Sync + 'static,
        work: impl FnOnce(Claim<T>) -> F + Send + 'static,
    ) -> Result<Answered<A>, E>
    where
        T: Clone + Send + Sync + 'static,
        A: Message + Default + 'static,
        E: From<IdempotencyError> + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let Some(key) = key else {
            let done = work(Claim::unnamed()).await?;
            return Ok(answered(view(done), false));
        };
        let working = self.clone().work_on(key, view, work);
        let working = tokio::spawn(CallContext::current().scope(working));
        let stopped = |_| Err(IdempotencyError::Store(Error::Stopped).into());
        working.await.unwrap_or_else(stopped)
    }

    async fn work_on<T, A, E, F>(
        self,
        key: RequestKey,
        view: impl Fn(T) -> A + Send + Sync + 'static,
        work: impl FnOnce(Claim<T>) -> F,
    ) -> Result<Answered<A>, E>
    where
        T: Clone + Sync,
        A: Message + Default,
        E: From<IdempotencyError>,
        F: Future<Output = Result<T, E>>,
    {
        let record = match record::claim(&self.requests, &key).await? {
            Standing::Mine(record) => record,
            Standing::Answered(bytes) => {
                let answer = A::decode(bytes.as_slice()).map_err(unreadable)?;
                return Ok(answered(answer, true));
            }
        };
        let view = Arc::new(view);
        let encode = Arc::clone(&view);
        let encode = move |done: &T| encode(done.clone()).encode_to_vec();
        let claim = Claim::named(&self.requests, &record, encode);
        let done = work(claim.clone()).await;
        claim.end(done.as_ref().ok()).await;
        Ok(answered(view(done?), false))
    }
}

fn answered<A>(answer: A, is_replay: bool) -> Answered<A> {
    Answered { answer, is_replay }
}

fn unreadable(error: prost::DecodeError) -> IdempotencyError {
    IdempotencyError::Store(Error::Answer(error))
}
