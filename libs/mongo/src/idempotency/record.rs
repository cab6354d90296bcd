use std::time::Duration;

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, DateTime, Document, doc};
use reen_chassis::RequestKey;
use serde::{Deserialize, Serialize};

use super::IdempotencyError;
use crate::deadline::time_left;
use crate::{Collection, Error};

/// How long a claim is left to whoever made it: longer than anybody works on a request, so that only a dead
/// process's is taken over. Nothing but patience depends on it.
const SHORTEST_LEASE: Duration = Duration::from_secs(30);
/// How much longer than its caller waits somebody may work on a request.
const MARGIN: Duration = Duration::from_secs(10);

/// A named request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    /// The user, the method, and the digest of the key.
    #[serde(rename = "_id")]
    pub(super) id: String,
    /// What was asked for.
    fingerprint: String,
    /// Names what the request makes, and its calls of others: a taker goes on under the same.
    pub(super) effect: ObjectId,
    /// Whose it is now.
    pub(super) claim: ObjectId,
    lease_until: DateTime,
    claimed_at: DateTime,
    /// Absent until there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    answer: Option<Binary>,
}

/// How a named request stands.
pub(super) enum Standing {
    /// It is the caller's to work on.
    Mine(Record),
    /// It was answered: this.
    Answered(Vec<u8>),
}

impl Record {
    fn new(key: &RequestKey) -> Self {
        let now = DateTime::now();
        Self {
            id: key.id().to_owned(),
            fingerprint: key.fingerprint().to_owned(),
            effect: ObjectId::new(),
            claim: ObjectId::new(),
            lease_until: now.saturating_add_duration(lease()),
            claimed_at: now,
            answer: None,
        }
    }
}

fn lease() -> Duration {
    let waits = time_left().unwrap_or_default();
    SHORTEST_LEASE.max(waits.saturating_add(MARGIN))
}

/// Claims a request, or finds what became of it.
pub(super) async fn claim(
    requests: &Collection<Record>,
    key: &RequestKey,
) -> Result<Standing, IdempotencyError> {
    let fresh = Record::new(key);
    match requests.insert_one(&fresh).await.map_err(Error::from) {
        Ok(_) => return Ok(Standing::Mine(fresh)),
        Err(error) if error.is_duplicate_key() => {}
        Err(error) => return Err(error.into()),
    }
    let known = requests.find_one(doc! {"_id": key.id()}).await;
    // One that is gone was given back at this moment.
    let known = known
        .map_err(Error::from)?
        .ok_or(IdempotencyError::InFlight)?;
    if known.fingerprint != key.fingerprint() {
        return Err(IdempotencyError::KeyReused);
    }
    match known.answer {
        Some(answer) => Ok(Standing::Answered(answer.bytes)),
        None => take_over(requests, known, &fresh).await.map(Standing::Mine),
    }
}

/// Makes a claim the caller's whose owner has died. What he may have begun goes on under its old name.
async fn take_over(
    requests: &Collection<Record>,
    dead: Record,
    fresh: &Record,
) -> Result<Record, IdempotencyError> {
    let mut expired = unanswered(&dead.id, dead.claim);
    expired.insert("leaseUntil", doc! {"$lt": DateTime::now()});
    let taken = doc! {"$set": {"claim": fresh.claim, "leaseUntil": fresh.lease_until}};
    let taken = requests.update_one(expired, taken).await;
    if taken.map_err(Error::from)?.matched_count == 0 {
        return Err(IdempotencyError::InFlight);
    }
    tracing::warn!(request = dead.id, "took over a request whose process died");
    Ok(Record {
        effect: dead.effect,
        ..fresh.clone()
    })
}

/// The request while this claim of it holds.
pub(super) fn unanswered(id: &str, claim: ObjectId) -> Document {
    doc! {"_id": id, "claim": claim, "answer": {"$exists": false}}
}

pub(super) fn answer(bytes: Vec<u8>) -> Document {
    let subtype = BinarySubtype::Generic;
    doc! {"$set": {"answer": Binary { subtype, bytes }}}
}
