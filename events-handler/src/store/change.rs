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
    pub(crate) fn into_update(self, saga: &Saga, lease_until: DateTime) -> Result<Document, Error> {
        let mut set = doc! {"leaseUntil": lease_until, "updatedAt": DateTime::now(), "attempts": 0};
        let mut update = Document::new();
        match self {
            Self::StageDone { advance, owed } => {
                update = advance.into_update(&mut set)?;
                let push = update.entry("$push".to_owned()).or_insert(doc! {}.into());
                if let Some(push) = push.as_document_mut().filter(|_| !owed.is_empty()) {
                    push.insert("owed", doc! {"$each": owed});
                }
            }
            Self::Finished { advance, status } => {
                update = advance.into_update(&mut set)?;
                set.extend(doc! {"status": status.word(), "leaseUntil": RELEASED});
            }
            Self::Refused {
                advance,
                name,
                failure,
            } => {
                update = advance.into_update(&mut set)?;
                let refusal = bson::serialize_to_bson(&refusal(name, &failure))?;
                set.extend(doc! {"status": Status::Compensating.word(), "refusal": refusal});
                update.insert("$inc", doc! {"epoch": 1});
            }
            Self::StepUndone(advance) => {
                update = advance.into_update(&mut set)?;
                update.insert("$pop", doc! {"owed": 1});
            }
            Self::AllUndone => set.extend(doc! {"status": Status::Closing.word(), "step": 0}),
            Self::PutOff {
                advance,
                delay,
                is_exhausted,
            } => {
                update = advance.into_update(&mut set)?;
                set.extend(put_off(saga, delay, is_exhausted));
            }
        }
        update.insert("$set", set);
        Ok(update)
    }
}

impl Advance {
    /// Notes state and step in `set`, and answers the update with what was done.
    fn into_update(self, set: &mut Document) -> Result<Document, Error> {
        set.insert("state", self.state);
        set.insert("step", i32::try_from(self.step).unwrap_or(i32::MAX));
        let log: Bson = bson::serialize_to_bson(&self.log)?;
        Ok(doc! {"$push": {"log": {"$each": log, "$slice": -LONGEST_LOG}}})
    }
}

fn put_off(saga: &Saga, delay: Duration, is_exhausted: bool) -> Document {
    let mut set = doc! {
        "attempts": i64::from(saga.attempts) + 1,
        "leaseUntil": RELEASED,
        "dueAt": later(delay),
    };
    if is_exhausted {
        set.extend(doc! {"status": Status::Stuck.word(), "stuckIn": saga.status.word()});
    }
    set
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
