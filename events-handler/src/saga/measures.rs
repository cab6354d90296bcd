//! What is told of sagas on `/metrics`. Kinds and steps are named in definitions, so that they are few.

use std::time::{Duration, Instant};

use bson::DateTime;
use metrics::{counter, histogram};
use reen_error::{Code, Failure};

use crate::store::{Saga, Status};

const BEGUN: &str = "reen_sagas_begun_total";
const FINISHED: &str = "reen_sagas_finished_total";
const REFUNDS: &str = "reen_refunds_total";
const STEPS: &str = "reen_saga_steps_total";
const STEP_SECONDS: &str = "reen_saga_step_seconds";
const SECONDS: &str = "reen_saga_seconds";

pub(crate) fn describe() {
    metrics::describe_counter!(BEGUN, "Sagas that began, by kind.");
    metrics::describe_counter!(FINISHED, "Sagas that ended, by kind: done or compensated.");
    metrics::describe_histogram!(
        SECONDS,
        "From the beginning of a saga to its end, by kind and end."
    );
    metrics::describe_counter!(
        REFUNDS,
        "Payments that this mesh gave back by itself, or was asked to."
    );
    counter!(REFUNDS).absolute(0);
    metrics::describe_counter!(
        STEPS,
        "Steps that were tried: done, failed (again later), refused (turns the saga around), undone, stale."
    );
    metrics::describe_histogram!(STEP_SECONDS, "How long a step took, by its name.");
}

/// Money went back.
pub(crate) fn refunded() {
    counter!(REFUNDS).increment(1);
}

/// A saga began.
pub(crate) fn begun(saga: &Saga) {
    counter!(BEGUN, "kind" => saga.kind.clone()).increment(1);
}

/// A saga ended.
pub(super) fn finished(saga: &Saga, status: Status) {
    let labels = [
        ("kind", saga.kind.clone()),
        ("status", status.word().to_owned()),
    ];
    counter!(FINISHED, &labels).increment(1);
    let took = DateTime::now().saturating_duration_since(saga.created_at);
    histogram!(SECONDS, &labels).record(took);
}

/// How a step ended.
#[derive(Clone, Copy)]
pub(super) enum Tried {
    Done,
    Undone,
    Failed,
    Refused,
    /// A newer runner owns the saga.
    Stale,
}

impl Tried {
    pub(super) fn acted(outcome: &Result<(), Failure>, is_final: impl Fn(Code) -> bool) -> Self {
        match outcome {
            Ok(()) => Self::Done,
            Err(failure) if is_final(failure.code) => Self::Refused,
            Err(failure) => Self::of_failure(failure),
        }
    }

    pub(super) fn undone(outcome: &Result<(), Failure>) -> Self {
        match outcome {
            Ok(()) => Self::Undone,
            Err(failure) => Self::of_failure(failure),
        }
    }

    fn of_failure(failure: &Failure) -> Self {
        match failure.code {
            Code::StaleEpoch => Self::Stale,
            _ => Self::Failed,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Undone => "undone",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Stale => "stale",
        }
    }
}

/// A step was tried.
pub(super) fn step(kind: &'static str, name: &str, tried: Tried, since: Instant) {
    let took: Duration = since.elapsed();
    let step = name.to_owned();
    counter!(STEPS, "kind" => kind, "step" => step.clone(), "outcome" => tried.word()).increment(1);
    histogram!(STEP_SECONDS, "step" => step).record(took);
}
