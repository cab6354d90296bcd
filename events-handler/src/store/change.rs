//! What a step came to, as an update of its saga's document.

use std::time::Duration;

use bson::{Bson, DateTime, Document, doc};
use reen_error::Failure;

use super::document::{Entry, LogEntry, Refusal, Saga, Status};
use super::later;
use crate::error::Error;

/// How many entries a saga's log keeps: more than its steps and their retries make.
const LONGEST_LOG: i32 = 200;
/// A lease that has ended.
const RELEASED: DateTime = DateTime::from_millis(0);

/// Whether a change was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Stored,
    /// The saga has a newer epoch: somebody else runs it.
    Fenced,
}

/// What a step came to.
#[derive(Debug)]
pub(crate) enum Change<'change> {
    /// The action succeeded; the compensation of the next step is owed from now on.
    StepDone {
        state: Document,
        name: &'change str,
        owed: Option<&'static str>,
    },
    /// The action failed finally: compensate, under a new epoch, so that an action of the old one
    /// that is still on its way is refused.
    Refused {
        state: Document,
        name: &'change str,
        failure: Failure,
    },
    StepUndone {
        state: Document,
        name: &'change str,
    },
    AllUndone,
    /// The action or compensation failed and will be tried again.
    PutOff {
        state: Document,
        name: &'change str,
        entry: Entry,
        failure: Failure,
        delay: Duration,
        is_exhausted: bool,
    },
    Finished(Status),
}

impl Change<'_> {
    pub(crate) fn into_update(self, saga: &Saga, lease_until: DateTime) -> Result<Document, Error> {
        let mut set = doc! {"leaseUntil": lease_until, "updatedAt": DateTime::now(), "attempts": 0};
        Ok(match self {
            Self::StepDone { state, name, owed } => {
                set.insert("state", state);
                let mut push = log(saga, name, Entry::Acted, None)?;
                push.extend(owed.map(|owed| ("owed".to_owned(), Bson::from(owed))));
                doc! {"$set": set, "$inc": {"step": 1}, "$push": push}
            }
            Self::Refused {
                state,
                name,
                failure,
            } => {
                set.insert("state", state);
                set.insert("status", Status::Compensating.word());
                set.insert(
                    "refusal",
                    bson::serialize_to_bson(&refusal(name, &failure))?,
                );
                let push = log(saga, name, Entry::Acted, Some(&failure))?;
                doc! {"$set": set, "$inc": {"epoch": 1}, "$push": push}
            }
            Self::StepUndone { state, name } => {
                set.insert("state", state);
                let push = log(saga, name, Entry::Undone, None)?;
                doc! {"$set": set, "$pop": {"owed": 1}, "$push": push}
            }
            Self::AllUndone => {
                set.extend(doc! {"status": Status::Closing.word(), "step": 0});
                doc! {"$set": set}
            }
            Self::PutOff {
                state,
                name,
                entry,
                failure,
                delay,
                is_exhausted,
            } => {
                set.insert("state", state);
                set.extend(put_off(saga, delay, is_exhausted));
                doc! {"$set": set, "$push": log(saga, name, entry, Some(&failure))?}
            }
            Self::Finished(status) => {
                set.extend(doc! {"status": status.word(), "leaseUntil": RELEASED});
                doc! {"$set": set}
            }
        })
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

fn refusal(name: &str, failure: &Failure) -> Refusal {
    Refusal {
        step: name.to_owned(),
        code: failure.code.word().to_owned(),
        message: failure.message.clone(),
    }
}

fn log(
    saga: &Saga,
    name: &str,
    entry: Entry,
    failure: Option<&Failure>,
) -> Result<Document, Error> {
    let entry = LogEntry {
        step: name.to_owned(),
        entry,
        outcome: failure
            .map_or("ok", |failure| failure.code.word())
            .to_owned(),
        message: failure.map(|failure| failure.message.clone()),
        epoch: saga.epoch,
        at: DateTime::now(),
    };
    let entry: Bson = bson::serialize_to_bson(&entry)?;
    Ok(doc! {"log": {"$each": [entry], "$slice": -LONGEST_LOG}})
}
