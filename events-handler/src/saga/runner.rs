use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use reen_chassis::Operation;
use reen_error::{Code, Failure};

use super::definition::{AnySaga, Call, Part};
use super::measures::{self, Tried};
use super::progress::{Failed, Outcome, Progress};
use super::traced;
use crate::clients::Parties;
use crate::domain::{MOST_ATTEMPTS, delay_after};
use crate::error::Error;
use crate::store::{Change, Entry, Outcome as ChangeOutcome, Saga, Status, Store};

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Done or compensated, now or before.
    Settled,
    /// Somebody else runs it.
    Elsewhere,
    /// A step failed and may succeed later.
    Again(Duration),
    /// Tried often enough: an operator has to look.
    Stuck(String),
}

/// Runs sagas: acts stage by stage, or undoes in reverse, one by one. What is stored is enough to go
/// on after a crash at any instant: everything since then is done again, under the same operation ids.
pub(crate) struct Runner {
    store: Store,
    parties: Parties,
    definitions: HashMap<&'static str, Arc<dyn AnySaga>>,
}

impl Runner {
    pub(crate) fn new(store: Store, parties: Parties, definitions: Vec<Arc<dyn AnySaga>>) -> Self {
        measures::describe();
        let definitions = definitions
            .into_iter()
            .map(|definition| (definition.kind(), definition))
            .collect();
        Self {
            store,
            parties,
            definitions,
        }
    }

    /// The kinds that it can run.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &'static str> + use<'_> {
        self.definitions.keys().copied()
    }

    /// Whom its steps talk to.
    pub(crate) fn parties(&self) -> &Parties {
        &self.parties
    }

    /// Runs a saga that this process has acquired, as far as it goes.
    pub(crate) async fn run(&self, mut saga: Saga) -> Result<Ending, Error> {
        let definition = self.definition_of(&saga)?;
        loop {
            let ending = match saga.status {
                Status::Running => self.act(&*definition, &mut saga, Part::Steps).await?,
                Status::Compensating => self.undo(&*definition, &mut saga).await?,
                Status::Closing => self.act(&*definition, &mut saga, Part::Epilogue).await?,
                Status::Done | Status::Compensated => Some(Ending::Settled),
                Status::Stuck => Some(Ending::Stuck("an operator has to look at it".to_owned())),
            };
            if let Some(ending) = ending {
                return Ok(ending);
            }
        }
    }

    /// The name of the step that is next, or owed last; empty when none is.
    pub(crate) fn next_step(&self, saga: &Saga) -> String {
        let definition = self.definitions.get(saga.kind.as_str());
        let step = |part| {
            definition?
                .name_of(part, saga.step_index())
                .map(str::to_owned)
        };
        let step = match saga.stuck_in.unwrap_or(saga.status) {
            Status::Running => step(Part::Steps),
            Status::Closing => step(Part::Epilogue),
            Status::Compensating => saga.owed.last().cloned(),
            _ => None,
        };
        step.unwrap_or_default()
    }

    /// Whether a saga that runs forward may still be turned around.
    pub(crate) fn may_turn_around(&self, saga: &Saga) -> Result<bool, Error> {
        let definition = self.definition_of(saga)?;
        Ok(definition.may_turn_around(saga.step_index()))
    }

    fn definition_of(&self, saga: &Saga) -> Result<Arc<dyn AnySaga>, Error> {
        let unknown = |why: String| Error::UnknownSaga {
            saga: saga.id.clone(),
            why,
        };
        let definition = self
            .definitions
            .get(saga.kind.as_str())
            .ok_or_else(|| unknown(format!("kind {} is not known here", saga.kind)))?;
        if saga.version > definition.version() {
            return Err(unknown(format!(
                "version {} is newer than this process",
                saga.version
            )));
        }
        Ok(Arc::clone(definition))
    }

    /// Runs the stage that is next; `None` means: go on.
    async fn act(
        &self,
        definition: &dyn AnySaga,
        saga: &mut Saga,
        part: Part,
    ) -> Result<Option<Ending>, Error> {
        let mut progress = Progress::of(saga);
        let end = definition.stage_end(part, progress.step);
        while progress.step < end {
            let wave = definition.wave(part, progress.step);
            let outcomes = self.act_together(definition, saga, part, wave.clone(), &progress);
            let outcomes = outcomes.await;
            if let Err(failed) = progress.take(definition, part, wave, outcomes, saga.epoch) {
                return self.fail(saga, progress, failed).await;
            }
        }
        if definition.name_of(part, end).is_none() {
            return self.finish(saga, progress, part).await;
        }
        let owed = match part {
            Part::Steps => definition.owed_from(end),
            Part::Epilogue => Vec::new(),
        };
        let advance = progress.into_advance();
        self.store_change(saga, Change::StageDone { advance, owed })
            .await
    }

    /// Does the steps of a wave side by side.
    async fn act_together(
        &self,
        definition: &dyn AnySaga,
        saga: &Saga,
        part: Part,
        wave: Range<usize>,
        progress: &Progress,
    ) -> Vec<Outcome> {
        let acting = wave.map(async |index| {
            let name = definition.name_of(part, index).unwrap_or_default();
            let call = self.call(saga, name, None);
            let since = Instant::now();
            let span = traced::acting(saga, name);
            let acting = span.scope(definition.act(part, index, &call, &progress.state));
            let outcome = acting.await;
            traced::ended(span, &outcome.1);
            let is_final = |code| definition.is_final(part, index, code);
            let tried = Tried::acted(&outcome.1, is_final);
            measures::step(definition.kind(), name, tried, since);
            outcome
        });
        join_all(acting).await
    }

    async fn fail(
        &self,
        saga: &mut Saga,
        progress: Progress,
        failed: Failed,
    ) -> Result<Option<Ending>, Error> {
        match failed {
            Failed::Stale => Ok(Some(Ending::Elsewhere)),
            Failed::ForNow(name, failure) => self.put_off(saga, progress, name, &failure).await,
            Failed::Finally(name, failure) => {
                tracing::warn!(saga = saga.id, step = name, %failure, "compensating");
                let advance = progress.into_advance();
                self.store_change(
                    saga,
                    Change::Refused {
                        advance,
                        name,
                        failure,
                    },
                )
                .await
            }
        }
    }

    /// Undoes what was owed last; `None` means: go on.
    async fn undo(
        &self,
        definition: &dyn AnySaga,
        saga: &mut Saga,
    ) -> Result<Option<Ending>, Error> {
        let Some(name) = saga.owed.last().cloned() else {
            return self.store_change(saga, Change::AllUndone).await;
        };
        let call = self.call(saga, &name, Some("undo"));
        let mut progress = Progress::of(saga);
        let since = Instant::now();
        let span = traced::undoing(saga, &name);
        let undoing = span.scope(definition.undo(&name, &call, &saga.state));
        let (state, outcome) = undoing.await;
        traced::ended(span, &outcome);
        measures::step(definition.kind(), &name, Tried::undone(&outcome), since);
        progress.state = state;
        progress.note(&name, Entry::Undone, outcome.as_ref().err(), saga.epoch);
        match outcome {
            Ok(()) => {
                let change = Change::StepUndone(progress.into_advance());
                self.store_change(saga, change).await
            }
            Err(failure) if failure.code == Code::StaleEpoch => Ok(Some(Ending::Elsewhere)),
            Err(failure) => self.put_off(saga, progress, &name, &failure).await,
        }
    }

    fn call(&self, saga: &Saga, step: &str, suffix: Option<&str>) -> Call<'_> {
        let acted = format!("{}/{step}", saga.id);
        let id = suffix.map_or_else(|| acted.clone(), |suffix| format!("{acted}/{suffix}"));
        let operation = Operation {
            id,
            saga: saga.id.clone(),
            epoch: saga.epoch,
        };
        Call {
            parties: &self.parties,
            operation,
            undone_operation: acted,
        }
    }

    async fn store_change(
        &self,
        saga: &mut Saga,
        change: Change<'_>,
    ) -> Result<Option<Ending>, Error> {
        let kept = self.store.change(saga, change).await?;
        Ok(if kept == ChangeOutcome::Stored {
            None
        } else {
            Some(Ending::Elsewhere)
        })
    }

    async fn finish(
        &self,
        saga: &mut Saga,
        progress: Progress,
        part: Part,
    ) -> Result<Option<Ending>, Error> {
        let status = match part {
            Part::Steps => Status::Done,
            Part::Epilogue => Status::Compensated,
        };
        let advance = progress.into_advance();
        let finished = Change::Finished { advance, status };
        if let Some(elsewhere) = self.store_change(saga, finished).await? {
            return Ok(Some(elsewhere));
        }
        measures::finished(saga, status);
        tracing::info!(
            saga = saga.id,
            status = status.word(),
            "the saga is settled"
        );
        Ok(Some(Ending::Settled))
    }

    async fn put_off(
        &self,
        saga: &mut Saga,
        progress: Progress,
        name: &str,
        failure: &Failure,
    ) -> Result<Option<Ending>, Error> {
        let failed = saga.attempts.saturating_add(1);
        let is_exhausted = failed >= MOST_ATTEMPTS;
        let delay = delay_after(failed);
        let why = format!("{name}: {}: {failure}", failure.code.word());
        tracing::warn!(saga = saga.id, step = name, attempt = failed, %failure, "the step failed");
        let change = Change::PutOff {
            advance: progress.into_advance(),
            delay,
            is_exhausted,
        };
        if let Some(elsewhere) = self.store_change(saga, change).await? {
            return Ok(Some(elsewhere));
        }
        Ok(Some(if is_exhausted {
            Ending::Stuck(why)
        } else {
            Ending::Again(delay)
        }))
    }
}
