use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bson::Document;
use reen_chassis::Operation;
use reen_error::{Code, Failure};

use super::definition::{AnySaga, Call, Part};
use crate::clients::Parties;
use crate::domain::{MOST_ATTEMPTS, delay_after};
use crate::error::Error;
use crate::store::{Change, Entry, Outcome, Saga, Status, Store};

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

/// Runs sagas: acts step by step, or undoes in reverse, storing each outcome before going on.
pub(crate) struct Runner {
    store: Store,
    parties: Parties,
    definitions: HashMap<&'static str, Arc<dyn AnySaga>>,
}

impl Runner {
    pub(crate) fn new(store: Store, parties: Parties, definitions: Vec<Arc<dyn AnySaga>>) -> Self {
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

    /// Runs the step that is next; `None` means: go on.
    async fn act(
        &self,
        definition: &dyn AnySaga,
        saga: &mut Saga,
        part: Part,
    ) -> Result<Option<Ending>, Error> {
        let index = saga.step_index();
        let Some(name) = definition.name_of(part, index) else {
            let settled = if part == Part::Steps {
                Status::Done
            } else {
                Status::Compensated
            };
            return self.finish(saga, settled).await;
        };
        let call = self.call(saga, name, None);
        let (state, outcome) = definition.act(part, index, &call, &saga.state).await;
        match outcome {
            Ok(()) => {
                let next = definition.name_of(part, index + 1);
                let owed = next.filter(|name| part == Part::Steps && definition.owes(name));
                let change = Change::StepDone { state, name, owed };
                self.store_change(saga, change).await
            }
            Err(failure) if definition.is_final(part, index, failure.code) => {
                tracing::warn!(saga = saga.id, step = name, %failure, "compensating");
                self.store_change(
                    saga,
                    Change::Refused {
                        state,
                        name,
                        failure,
                    },
                )
                .await
            }
            Err(failure) => self.put_off(saga, state, name, Entry::Acted, failure).await,
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
        let (state, outcome) = definition.undo(&name, &call, &saga.state).await;
        match outcome {
            Ok(()) => {
                self.store_change(saga, Change::StepUndone { state, name: &name })
                    .await
            }
            Err(failure) => {
                self.put_off(saga, state, &name, Entry::Undone, failure)
                    .await
            }
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
        Ok(if kept == Outcome::Stored {
            None
        } else {
            Some(Ending::Elsewhere)
        })
    }

    async fn finish(&self, saga: &mut Saga, status: Status) -> Result<Option<Ending>, Error> {
        if self.store.change(saga, Change::Finished(status)).await? == Outcome::Fenced {
            return Ok(Some(Ending::Elsewhere));
        }
        metrics::counter!("sagas_finished_total", "kind" => saga.kind.clone(), "status" => status.word())
            .increment(1);
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
        state: Document,
        name: &str,
        entry: Entry,
        failure: Failure,
    ) -> Result<Option<Ending>, Error> {
        if failure.code == Code::StaleEpoch {
            return Ok(Some(Ending::Elsewhere));
        }
        let failed = saga.attempts.saturating_add(1);
        let is_exhausted = failed >= MOST_ATTEMPTS;
        let delay = delay_after(failed);
        let why = format!("{name}: {}: {failure}", failure.code.word());
        tracing::warn!(saga = saga.id, step = name, attempt = failed, %failure, "the step failed");
        let change = Change::PutOff {
            state,
            name,
            entry,
            failure,
            delay,
            is_exhausted,
        };
        if self.store.change(saga, change).await? == Outcome::Fenced {
            return Ok(Some(Ending::Elsewhere));
        }
        Ok(Some(if is_exhausted {
            Ending::Stuck(why)
        } else {
            Ending::Again(delay)
        }))
    }
}
