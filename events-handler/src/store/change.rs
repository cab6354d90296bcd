//! What became of a saga, as an update of its saga's document.

use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};
use reen_error::Failure;

use super::document::{LogEntry, Refusal, Saga, Status};
use super::later;
use crate::error::Error;

/// How many entries a saga's log keeps: more than its steps and their retries make.
const LONGEST_LOG: i32 = 200;
/// The code of a refusal that was an operator's.
const OPERATOR: &str = "operator";
/// A lease that has ended.
pub(super) const RELEASED: DateTime = DateTime::from_millis(0);

/// Whether a change was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Stored,
    /// The saga has a newer epoch: somebody else runs it.
    Fenced,
}

/// How far a runner got since it stored the last time.
#[derive(Debug)]
pub(crate) struct Advance {
    /// What the steps learned.
    pub(crate) state: Document,
    /// The step that is next.
    pub(crate) step: usize,
    /// What was done, in order.
    pub(crate) log: Vec<LogEntry>,
}

/// What became of a saga.
#[derive(Debug)]
pub(crate) enum Change<'change> {
    /// The stage is done; the compensations of the next one are owed from now on.
    StageDone {
        advance: Advance,
        owed: Vec<&'static str>,
    },
    /// The last stage is done.
    Finished {
        advance: Advance,
        status: Status,
    },
    /// A step failed finally: compensate, under a new epoch, so that an action of the old one that is
    /// still on its way is refused.
    Refused {
        advance: Advance,
        name: &'change str,
        failure: Failure,
    },
    /// What was owed last is undone.
    StepUndone(Advance),
    AllUndone,
    /// A step or a compensation failed and will be tried again.
    PutOff {
        advance: Advance,
        delay: Duration,
        is_exhausted: bool,
    },
}

impl Change<'_> {
    /// Makes the saga what it is afterwards, and answers the update that stores it.
    pub(super) fn apply(self, saga: &mut Saga, lease_until: DateTime) -> Result<Document, Error> {
        saga.lease_until = lease_until;
        saga.updated_at = DateTime::now();
        saga.attempts = match self {
            Self::PutOff { .. } => saga.attempts.saturating_add(1),
            _ => 0,
        };
        let log = match self {
            Self::StageDone { advance, owed } => {
                saga.owed.extend(owed.into_iter().map(str::to_owned));
                advance.apply(saga)
            }
            Self::Finished { advance, status } => {
                saga.status = status;
                saga.lease_until = RELEASED;
                advance.apply(saga)
            }
            Self::Refused {
                advance,
                name,
                failure,
            } => {
                saga.status = Status::Compensating;
                saga.refusal = Some(refusal(name, &failure));
                saga.epoch += 1;
                advance.apply(saga)
            }
            Self::StepUndone(advance) => {
                saga.owed.pop();
                advance.apply(saga)
            }
            Self::AllUndone => {
                saga.status = Status::Closing;
                saga.step = 0;
                Vec::new()
            }
            Self::PutOff {
                advance,
                delay,
                is_exhausted,
            } => {
                put_off(saga, delay, is_exhausted);
                advance.apply(saga)
            }
        };
        update(saga, &log)
    }
}

impl Advance {
    /// Notes state and step, and answers what is to be added to the log.
    fn apply(self, saga: &mut Saga) -> Vec<LogEntry> {
        saga.state = self.state;
        saga.step = i32::try_from(self.step).unwrap_or(i32::MAX);
        self.log
    }
}

fn put_off(saga: &mut Saga, delay: Duration, is_exhausted: bool) {
    saga.lease_until = RELEASED;
    saga.due_at = later(delay);
    if is_exhausted {
        saga.stuck_in = Some(saga.status);
        saga.status = Status::Stuck;
    }
}

/// Everything that a change may touch is written; the log, which only grows, is added to.
fn update(saga: &Saga, log: &[LogEntry]) -> Result<Document, Error> {
    let mut set = doc! {
        "status": saga.status.word(),
        "epoch": saga.epoch,
        "leaseUntil": saga.lease_until,
        "step": saga.step,
        "state": &saga.state,
        "owed": &saga.owed,
        "attempts": i64::from(saga.attempts),
        "dueAt": saga.due_at,
        "updatedAt": saga.updated_at,
    };
    if let Some(stuck_in) = saga.stuck_in {
        set.insert("stuckIn", stuck_in.word());
    }
    if let Some(refusal) = &saga.refusal {
        set.insert("refusal", bson::serialize_to_bson(refusal)?);
    }
    let log: Bson = bson::serialize_to_bson(log)?;
    Ok(doc! {"$set": set, "$push": {"log": {"$each": log, "$slice": -LONGEST_LOG}}})
}

/// Why a saga was turned around by somebody.
pub(super) fn refusal_document(step: &str, why: &str) -> Result<Bson, Error> {
    let refusal = Refusal {
        step: step.to_owned(),
        code: OPERATOR.to_owned(),
        message: why.to_owned(),
    };
    Ok(bson::serialize_to_bson(&refusal)?)
}

fn refusal(name: &str, failure: &Failure) -> Refusal {
    Refusal {
        step: name.to_owned(),
        code: failure.code.word().to_owned(),
        message: failure.message.clone(),
    }
}
