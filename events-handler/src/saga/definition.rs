use std::ops::Range;

use async_trait::async_trait;
use bson::Document;
use futures::future::BoxFuture;
use reen_chassis::Operation;
use reen_error::{Code, Failure};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::outline::{Outline, StepOutline};
use crate::clients::Parties;

/// What a step may use: the outside parties, and the names under which it acts.
pub(crate) struct Call<'call> {
    pub(crate) parties: &'call Parties,
    /// Carried to the service; its id is the same however often the step is repeated.
    pub(crate) operation: Operation,
    /// Under an undo: the id of the operation that is undone.
    pub(crate) undone_operation: String,
}

/// What a step does; it may note what it learned in the saga's state.
pub(crate) type Action<S> =
    for<'call> fn(&'call Call<'call>, &'call mut S) -> BoxFuture<'call, Result<(), Failure>>;

/// How a step is undone. There is no default: whoever writes a step says it.
pub(crate) enum Compensation<S> {
    Undo(Action<S>),
    /// Nothing has to be undone, and why.
    NoneOwed(&'static str),
}

/// How a step follows the one before it. There is no default: whoever writes a step says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// What came before is stored first: a new stage begins.
    Stored,
    /// At once, in the same stage. After a crash the stage is repeated from where it was stored last.
    AtOnce,
    /// At the same time. Of the state it sees what was before both, and changes other fields.
    Beside,
}

/// One step: an action, its compensation, and which errors end the saga.
pub(crate) struct Step<S> {
    /// Unique in its saga; the operation id is made of it, so it never changes.
    pub(crate) name: &'static str,
    pub(crate) follows: Follows,
    pub(crate) action: Action<S>,
    pub(crate) compensation: Compensation<S>,
    /// These turn the saga to compensation; every other error is tried again.
    pub(crate) final_errors: &'static [Code],
}

/// A saga as data.
pub(crate) struct Definition<S: 'static> {
    pub(crate) kind: &'static str,
    /// Grows when the steps change in a way that an older runner must not continue.
    pub(crate) version: i32,
    pub(crate) steps: &'static [Step<S>],
    /// What is done after everything was undone, in order, e.g. telling the buyer.
    pub(crate) epilogue: &'static [Step<S>],
}

/// Which list of steps is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Steps,
    Epilogue,
}

/// A definition whose state is hidden, so that one runner runs them all.
#[async_trait]
pub(crate) trait AnySaga: Send + Sync {
    fn kind(&self) -> &'static str;
    fn version(&self) -> i32;
    fn name_of(&self, part: Part, index: usize) -> Option<&'static str>;
    /// The step at `index` and those beside it.
    fn wave(&self, part: Part, index: usize) -> Range<usize>;
    /// Where the stage of the step at `index` ends: what is done by then is stored.
    fn stage_end(&self, part: Part, index: usize) -> usize;
    /// The compensations that are owed from the beginning of the stage at `index`, in the order of
    /// their actions.
    fn owed_from(&self, index: usize) -> Vec<&'static str>;
    /// Whether a saga whose next stage begins at `index` may still be turned around: not once a
    /// step may have been done after which nothing is owed any more.
    fn may_turn_around(&self, index: usize) -> bool;
    fn outline(&self) -> Outline;
    fn is_final(&self, part: Part, index: usize, code: Code) -> bool;
    /// Runs a step's action on the stored state and answers the changed state, also after a failure.
    async fn act(
        &self,
        part: Part,
        index: usize,
        call: &Call<'_>,
        state: &Document,
    ) -> (Document, Result<(), Failure>);
    async fn undo(
        &self,
        name: &str,
        call: &Call<'_>,
        state: &Document,
    ) -> (Document, Result<(), Failure>);
}

impl<S> Step<S> {
    fn is_owing(&self) -> bool {
        matches!(self.compensation, Compensation::Undo(_))
    }
}

impl<S> Definition<S> {
    fn part(&self, part: Part) -> &'static [Step<S>] {
        match part {
            Part::Steps => self.steps,
            Part::Epilogue => self.epilogue,
        }
    }

    /// The step after which nothing is owed any more.
    fn point_of_no_return(&self) -> usize {
        let owing = self.steps.iter().rposition(Step::is_owing);
        owing.map_or(0, |last| last + 1)
    }

    fn named(&self, name: &str) -> Option<&'static Step<S>> {
        self.steps.iter().find(|step| step.name == name)
    }
}

#[async_trait]
impl<S> AnySaga for Definition<S>
where
    S: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn version(&self) -> i32 {
        self.version
    }

    fn name_of(&self, part: Part, index: usize) -> Option<&'static str> {
        self.part(part).get(index).map(|step| step.name)
    }

    fn wave(&self, part: Part, index: usize) -> Range<usize> {
        let later = self.part(part).iter().skip(index + 1);
        let beside = later.take_while(|step| step.follows == Follows::Beside);
        index..index + 1 + beside.count()
    }

    fn stage_end(&self, part: Part, index: usize) -> usize {
        let steps = self.part(part);
        let later = steps.iter().skip(index + 1);
        let same = later.take_while(|step| step.follows != Follows::Stored);
        (index + 1 + same.count()).min(steps.len())
    }

    fn owed_from(&self, index: usize) -> Vec<&'static str> {
        let stage = self.steps.get(index..self.stage_end(Part::Steps, index));
        let owing = stage
            .unwrap_or_default()
            .iter()
            .filter(|step| step.is_owing());
        owing.map(|step| step.name).collect()
    }

    fn may_turn_around(&self, index: usize) -> bool {
        self.stage_end(Part::Steps, index) <= self.point_of_no_return()
    }

    fn outline(&self) -> Outline {
        Outline {
            kind: self.kind,
            steps: self.steps.iter().map(StepOutline::of).collect(),
            epilogue: self.epilogue.iter().map(StepOutline::of).collect(),
        }
    }

    fn is_final(&self, part: Part, index: usize, code: Code) -> bool {
        self.part(part)
            .get(index)
            .is_some_and(|step| step.final_errors.contains(&code))
    }

    async fn act(
        &self,
        part: Part,
        index: usize,
        call: &Call<'_>,
        state: &Document,
    ) -> (Document, Result<(), Failure>) {
        match self.part(part).get(index) {
            Some(step) => apply(step.action, call, state).await,
            None => (
                state.clone(),
                Err(broken(format!("there is no step {index}"))),
            ),
        }
    }

    async fn undo(
        &self,
        name: &str,
        call: &Call<'_>,
        state: &Document,
    ) -> (Document, Result<(), Failure>) {
        match self.named(name).map(|step| &step.compensation) {
            Some(Compensation::Undo(undo)) => apply(*undo, call, state).await,
            Some(Compensation::NoneOwed(_)) => (state.clone(), Ok(())),
            None => (
                state.clone(),
                Err(broken(format!("there is no step {name}"))),
            ),
        }
    }
}

async fn apply<S>(
    action: Action<S>,
    call: &Call<'_>,
    stored: &Document,
) -> (Document, Result<(), Failure>)
where
    S: Serialize + DeserializeOwned,
{
    let mut state: S = match bson::deserialize_from_document(stored.clone()) {
        Ok(state) => state,
        Err(error) => return (stored.clone(), Err(broken(error.to_string()))),
    };
    let outcome = action(call, &mut state).await;
    match bson::serialize_to_document(&state) {
        Ok(changed) => (changed, outcome),
        Err(error) => (stored.clone(), Err(broken(error.to_string()))),
    }
}

fn broken(why: String) -> Failure {
    Failure::new(Code::Internal, why)
}
