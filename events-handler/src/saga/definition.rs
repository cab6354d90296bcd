use async_trait::async_trait;
use bson::Document;
use futures::future::BoxFuture;
use reen_chassis::Operation;
use reen_error::{Code, Failure};
use serde::Serialize;
use serde::de::DeserializeOwned;

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
    NoneOwed(#[expect(dead_code, reason = "read by people")] &'static str),
}

/// One step: an action, its compensation, and which errors end the saga.
pub(crate) struct Step<S> {
    /// Unique in its saga; the operation id is made of it, so it never changes.
    pub(crate) name: &'static str,
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
    /// Whether the step of this name has something to undo.
    fn owes(&self, name: &str) -> bool;
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

impl<S> Definition<S> {
    fn part(&self, part: Part) -> &'static [Step<S>] {
        match part {
            Part::Steps => self.steps,
            Part::Epilogue => self.epilogue,
        }
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

    fn owes(&self, name: &str) -> bool {
        let step = self.named(name);
        step.is_some_and(|step| matches!(step.compensation, Compensation::Undo(_)))
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
