use std::sync::Arc;

use bson::doc;
use bson::oid::ObjectId;
use mongodb::ClientSession;

use super::record::{Record, answer, unanswered};
use super::{IdempotencyError, LoneWrite};
use crate::{Collection, Database, Error, Transaction};

/// The right to work on a request whose answer is made of a `T`. One without a name is anybody's, and
/// nothing is kept.
#[derive(Clone)]
pub struct Claim<T> {
    effect: ObjectId,
    named: Option<Named<T>>,
}

#[derive(Clone)]
struct Named<T> {
    requests: Collection<Record>,
    id: String,
    claim: ObjectId,
    encode: Arc<Encode<T>>,
}

/// How an answer is written.
type Encode<T> = dyn Fn(&T) -> Vec<u8> + Send + Sync;

impl<T> Claim<T> {
    /// Of a request that has no name.
    #[must_use]
    pub fn unnamed() -> Self {
        Self {
            effect: ObjectId::new(),
            named: None,
        }
    }

    pub(super) fn named(
        requests: &Collection<Record>,
        record: &Record,
        encode: impl Fn(&T) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let named = Named {
            requests: requests.clone(),
            id: record.id.clone(),
            claim: record.claim,
            encode: Arc::new(encode),
        };
        Self {
            effect: record.effect,
            named: Some(named),
        }
    }

    /// Whether there will be an answer to keep.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// Names what this request makes, and what it asks of others. It is new for each try that was ended,
    /// and stays the same when a try is taken over from a process that died: what that had begun is met.
    #[must_use]
    pub fn effect(&self) -> ObjectId {
        self.effect
    }

    /// Keeps the answer, as a part of the transaction that has the effect. It is its last statement.
    ///
    /// # Errors
    /// [`IdempotencyError::InFlight`] when somebody else has taken the request over: the transaction must
    /// not commit.
    pub async fn keep(
        &self,
        session: &mut ClientSession,
        done: &T,
    ) -> Result<(), IdempotencyError> {
        let Some(named) = &self.named else {
            return Ok(());
        };
        let kept = named.requests.update_one(
            unanswered(&named.id, named.claim),
            answer((named.encode)(done)),
        );
        let kept = kept.session(session).await.map_err(Error::from)?;
        match kept.matched_count {
            0 => Err(IdempotencyError::InFlight),
            _ => Ok(()),
        }
    }

    /// Begins the only write of an effect. It needs a transaction only when there is an answer to keep.
    ///
    /// # Errors
    /// When no server can be reached.
    pub async fn begin(&self, database: &Database) -> Result<LoneWrite<'_, T>, Error> {
        let transaction = match &self.named {
            Some(_) => Some(Transaction::begin(database).await?),
            None => None,
        };
        Ok(LoneWrite::new(self, transaction))
    }

    /// Leaves the request to whoever asks again. An answer that is kept stays.
    ///
    /// Work that could only be done in part does this, so that a repeat does the rest.
    pub async fn give_back(&self) {
        let Some(named) = &self.named else {
            return;
        };
        let mine = unanswered(&named.id, named.claim);
        if let Err(error) = named.requests.delete_one(mine).await {
            let request = &named.id;
            tracing::warn!(request, %error, "a claim is left to run out");
        }
    }

    /// Leaves the request to whoever asks again, with or without an answer: what may have been done was
    /// undone.
    pub async fn retract(&self) {
        let Some(named) = &self.named else {
            return;
        };
        let mine = doc! {"_id": &named.id, "claim": named.claim};
        if let Err(error) = named.requests.delete_one(mine).await {
            let request = &named.id;
            tracing::warn!(request, %error, "a request may be answered with what was undone");
        }
    }

    /// The work is over: what was done and is not kept yet is kept now, and what came to nothing is
    /// given back.
    pub(super) async fn end(&self, done: Option<&T>) {
        let (Some(named), Some(done)) = (&self.named, done) else {
            return self.give_back().await;
        };
        let mine = unanswered(&named.id, named.claim);
        let kept = named
            .requests
            .update_one(mine, answer((named.encode)(done)));
        if let Err(error) = kept.await {
            let request = &named.id;
            tracing::warn!(request, %error, "a repeat of this request will be worked on anew");
        }
    }
}
