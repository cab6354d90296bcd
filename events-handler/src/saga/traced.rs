//! Sagas as traces show them: each try of a step, and of its undoing.

use reen_chassis::telemetry::trace::{Span, SpanKind};
use reen_error::Failure;

use crate::store::Saga;

/// A step that is tried.
pub(super) fn acting(saga: &Saga, step: &str) -> Span {
    begin(saga, step, "act")
}

/// A step that is undone.
pub(super) fn undoing(saga: &Saga, step: &str) -> Span {
    begin(saga, step, "undo")
}

fn begin(saga: &Saga, step: &str, what: &'static str) -> Span {
    let name = || format!("{what} {}/{step}", saga.kind).into();
    let mut span = Span::child(SpanKind::Internal, name);
    if span.is_recorded() {
        span.set("reen.saga.id", saga.id.clone());
        span.set("reen.saga.kind", saga.kind.clone());
        span.set("reen.saga.step", step.to_owned());
        span.set("reen.saga.attempt", i64::from(saga.attempts));
        span.set("reen.saga.epoch", saga.epoch);
    }
    span
}

/// What it came to.
pub(super) fn ended(mut span: Span, outcome: &Result<(), Failure>) {
    if let Err(failure) = outcome {
        span.fail(failure.code.word());
    }
}
