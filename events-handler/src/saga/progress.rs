use std::ops::Range;

use bson::{DateTime, Document};
use reen_error::{Code, Failure};

use super::definition::{AnySaga, Part};
use crate::store::{Advance, Entry, LogEntry, Saga};

/// What a stage has come to so far; kept in memory until the stage ends or something fails.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    pub(crate) state: Document,
    /// The step that is next.
    pub(crate) step: usize,
    pub(crate) log: Vec<LogEntry>,
}

/// What failed in a wave, and what that means for the saga.
#[derive(Debug)]
pub(super) enum Failed {
    /// A newer runner owns the saga.
    Stale,
    /// Turn around.
    Finally(&'static str, Failure),
    /// Try again.
    ForNow(&'static str, Failure),
}

/// One step's changed state and outcome.
pub(super) type Outcome = (Document, Result<(), Failure>);

impl Progress {
    pub(super) fn of(saga: &Saga) -> Self {
        Self {
            state: saga.state.clone(),
            step: saga.step_index(),
            log: Vec::new(),
        }
    }

    pub(super) fn into_advance(self) -> Advance {
        Advance {
            state: self.state,
            step: self.step,
            log: self.log,
        }
    }

    /// Takes the outcomes of steps that were done side by side. What they learned is kept whatever
    /// failed; only when none failed are they behind us.
    pub(super) fn take(
        &mut self,
        definition: &dyn AnySaga,
        part: Part,
        wave: Range<usize>,
        outcomes: Vec<Outcome>,
        epoch: i64,
    ) -> Result<(), Failed> {
        let before = self.state.clone();
        let mut failed = None;
        for (index, (state, outcome)) in wave.clone().zip(outcomes) {
            let name = definition.name_of(part, index).unwrap_or_default();
            learn(&mut self.state, &before, state);
            self.note(name, Entry::Acted, outcome.as_ref().err(), epoch);
            if let Err(failure) = outcome {
                let is_final = definition.is_final(part, index, failure.code);
                failed = Some(worse(failed, Failed::of(name, failure, is_final)));
            }
        }
        match failed {
            Some(failed) => Err(failed),
            None => {
                self.step = wave.end;
                Ok(())
            }
        }
    }

    pub(super) fn note(&mut self, step: &str, entry: Entry, failure: Option<&Failure>, epoch: i64) {
        self.log.push(LogEntry {
            step: step.to_owned(),
            entry,
            outcome: failure
                .map_or("ok", |failure| failure.code.word())
                .to_owned(),
            message: failure.map(|failure| failure.message.clone()),
            epoch,
            at: DateTime::now(),
        });
    }
}

impl Failed {
    fn of(name: &'static str, failure: Failure, is_final: bool) -> Self {
        match failure.code {
            Code::StaleEpoch => Self::Stale,
            _ if is_final => Self::Finally(name, failure),
            _ => Self::ForNow(name, failure),
        }
    }

    fn weight(&self) -> u8 {
        match self {
            Self::ForNow(..) => 0,
            Self::Finally(..) => 1,
            Self::Stale => 2,
        }
    }
}

/// Of two failures side by side the one that decides.
fn worse(known: Option<Failed>, new: Failed) -> Failed {
    match known {
        Some(known) if known.weight() >= new.weight() => known,
        _ => new,
    }
}

/// Takes over the fields that a step changed.
fn learn(state: &mut Document, before: &Document, after: Document) {
    for (field, value) in after {
        if before.get(&field) != Some(&value) {
            state.insert(field, value);
        }
    }
}
