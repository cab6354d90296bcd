//! What operators do: look at sagas and dead letters, and decide what nobody else may.

use std::sync::Arc;

use reen_messaging::{DeadLetter, DeadLetters, Which};

use crate::error::Error;
use crate::saga::Runner;
use crate::store::{Claim, Saga, SagaFilter, Status, Store, Turn};

pub(crate) struct Operators {
    store: Store,
    runner: Arc<Runner>,
    dead: DeadLetters,
}

impl Operators {
    pub(crate) fn new(store: Store, runner: std::sync::Arc<Runner>, dead: DeadLetters) -> Self {
        Self {
            store,
            runner,
            dead,
        }
    }

    pub(crate) async fn list(&self, filter: &SagaFilter) -> Result<Vec<Saga>, Error> {
        self.store.list(filter).await
    }

    pub(crate) async fn find(&self, id: &str) -> Result<Saga, Error> {
        self.store.find(id).await?.ok_or(Error::NotFound)
    }

    /// The name of the step that is next, or owed last; empty when none is.
    pub(crate) fn next_step(&self, saga: &Saga) -> String {
        self.runner.next_step(saga)
    }

    /// Goes on now with a saga that waits or is stuck.
    pub(crate) async fn retry(&self, id: &str, claim: &Claim<Saga>) -> Result<Saga, Error> {
        let turning = self.store.turn(id, Turn::Retry, must_be_unsettled, claim);
        let retried = turning.await?;
        tracing::warn!(saga = id, "an operator goes on with it");
        Ok(retried)
    }

    /// Turns a saga around.
    pub(crate) async fn compensate(
        &self,
        id: &str,
        reason: &str,
        claim: &Claim<Saga>,
    ) -> Result<Saga, Error> {
        let may = |saga: &Saga| {
            must_be_unsettled(saga)?;
            let is_forward = saga.stuck_in.unwrap_or(saga.status) == Status::Running;
            if is_forward && self.runner.may_turn_around(saga)? {
                Ok(())
            } else {
                Err(Error::TooLate)
            }
        };
        let turning = self.store.turn(id, Turn::Compensate(reason), may, claim);
        let turned = turning.await?;
        tracing::warn!(saga = id, reason, "an operator turns it around");
        Ok(turned)
    }

    pub(crate) async fn dead_letters(&self, limit: u16) -> Result<(Vec<DeadLetter>, u64), Error> {
        let letters = self.dead.list(limit).await?;
        Ok((letters, self.dead.count().await?))
    }

    pub(crate) async fn count_dead_letters(&self) -> Result<u64, Error> {
        Ok(self.dead.count().await?)
    }

    /// Puts dead letters back to work; `None`: all.
    pub(crate) async fn replay(&self, ids: Option<&[String]>) -> Result<u64, Error> {
        let which = ids.map_or(Which::All, Which::These);
        settled(self.dead.replay(which).await?, ids)
    }

    pub(crate) async fn drop_letters(&self, ids: &[String]) -> Result<u64, Error> {
        settled(self.dead.drop(ids).await?, Some(ids))
    }
}

/// None of those that were named is there: the operator looks at an old list.
fn settled(count: u64, ids: Option<&[String]>) -> Result<u64, Error> {
    if count == 0 && ids.is_some() {
        return Err(Error::NotFound);
    }
    Ok(count)
}

fn must_be_unsettled(saga: &Saga) -> Result<(), Error> {
    match saga.status {
        Status::Done | Status::Compensated => Err(Error::Settled),
        _ => Ok(()),
    }
}
