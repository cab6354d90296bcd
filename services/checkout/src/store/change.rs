//! Changes of a checkout. A checkout is one document, and all that a saga's step needs is in it: what
//! the step changes, the record of its operation, and the fence. So a change is read, decided and
//! written back where nobody else wrote meanwhile, without a transaction.

use std::time::Duration;

use bson::oid::ObjectId;
use bson::{DateTime, doc};
use mongodb::ClientSession;
use rand::Rng as _;
use reen_chassis::Operation;
use reen_mongo::{Claim, FenceError, Transaction};
use tokio::time::{Instant, sleep};

use super::Store;
use crate::domain::{Checkout, Refusal, SagaEpoch};
use crate::error::Error;

/// Whoever waits has given up by then.
const PATIENCE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

impl Store {
    /// Changes a checkout as `rule` says, and answers it as it is then.
    pub(crate) async fn change<R>(&self, id: ObjectId, rule: R) -> Result<Checkout, Error>
    where
        R: Fn(&mut Checkout) -> Result<(), Refusal>,
    {
        self.change_as(None, id, rule).await
    }

    /// As [`Self::change`] of a checkout that the caller knows, together with the answer to the request that
    /// asks for it.
    pub(crate) async fn change_for<R>(
        &self,
        claim: &Claim<Checkout>,
        known: Checkout,
        rule: R,
    ) -> Result<Checkout, Error>
    where
        R: Fn(&mut Checkout) -> Result<(), Refusal>,
    {
        if !claim.is_named() {
            return self.change_known(known, None, rule).await;
        }
        let id = known.id;
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.change_once(transaction.session(), claim, id, &rule);
            let attempt = attempt.await;
            if let Some(changed) = transaction.settle(attempt).await? {
                return Ok(changed);
            }
        }
    }

    async fn change_once<R>(
        &self,
        session: &mut ClientSession,
        claim: &Claim<Checkout>,
        id: ObjectId,
        rule: &R,
    ) -> Result<Checkout, Error>
    where
        R: Fn(&mut Checkout) -> Result<(), Refusal>,
    {
        let this = doc! {"_id": id};
        let found = self.checkouts.find_one(this.clone());
        let before = found.session(&mut *session).await?.ok_or(Error::NotFound)?;
        let after = changed(&before, None, rule)?;
        let writing = self.checkouts.replace_one(this, &after);
        writing.session(&mut *session).await?;
        claim.keep(session, &after).await?;
        Ok(after)
    }

    /// A step of a saga: as [`Self::change`], and at most once for each operation. A repeat answers
    /// the checkout as it is now.
    pub(crate) async fn step<R>(
        &self,
        operation: &Operation,
        id: ObjectId,
        rule: R,
    ) -> Result<Checkout, Error>
    where
        R: Fn(&mut Checkout) -> Result<(), Refusal>,
    {
        self.change_as(Some(operation), id, rule).await
    }

    async fn change_as<R>(
        &self,
        operation: Option<&Operation>,
        id: ObjectId,
        rule: R,
    ) -> Result<Checkout, Error>
    where
        R: Fn(&mut Checkout) -> Result<(), Refusal>,
    {
        let known = self.find(id).await?.ok_or(Error::NotFound)?;
        self.change_known(known, operation, rule).await
    }

    /// Reads the checkout anew only when somebody else has changed it since it was `before`.
    async fn change_known<R>(
        &self,
        mut before: Checkout,
        operation: Option<&Operation>,
        rule: R,
    ) -> Result<Checkout, Error>
    where
        R: Fn(&mut Checkout) -> Result<(), Refusal>,
    {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let after = changed(&before, operation, &rule)?;
            if after == before || self.replace(&before, &after).await? {
                return Ok(after);
            }
            if Instant::now() >= give_up {
                return Err(Error::Contended);
            }
            let pause = LONGEST_PAUSE.mul_f64(rand::rng().random_range(0.0..=1.0));
            sleep(pause).await;
            before = self.find(before.id).await?.ok_or(Error::NotFound)?;
        }
    }

    /// Writes `after` if nobody has changed the checkout since `before` was read.
    async fn replace(&self, before: &Checkout, after: &Checkout) -> Result<bool, Error> {
        let as_read = match before.revision {
            // Written before there were revisions.
            0 => doc! {"_id": before.id, "revision": {"$in": [0_i64, null]}},
            revision => doc! {"_id": before.id, "revision": revision},
        };
        let after = bson::serialize_to_document(after).map_err(reen_mongo::Error::from)?;
        Ok(self.writes.write(as_read, after).await?)
    }
}

/// The checkout as it is after a change; as it was, when nothing changes.
fn changed(
    before: &Checkout,
    operation: Option<&Operation>,
    rule: impl Fn(&mut Checkout) -> Result<(), Refusal>,
) -> Result<Checkout, Error> {
    let mut after = before.clone();
    let is_repeat = match operation {
        None => false,
        Some(operation) => {
            pass_fence(&mut after, operation)?;
            before.operations.contains(&operation.id)
        }
    };
    if !is_repeat {
        after
            .operations
            .extend(operation.map(|operation| operation.id.clone()));
        rule(&mut after)?;
    }
    if after != *before {
        after.revision += 1;
        after.updated_at = DateTime::now();
    }
    Ok(after)
}

fn pass_fence(checkout: &mut Checkout, operation: &Operation) -> Result<(), FenceError> {
    let epochs = &mut checkout.epochs;
    match epochs.iter_mut().find(|seen| seen.saga == operation.saga) {
        Some(seen) if seen.epoch > operation.epoch => return Err(FenceError::Stale),
        Some(seen) => seen.epoch = operation.epoch,
        None => epochs.push(SagaEpoch {
            saga: operation.saga.clone(),
            epoch: operation.epoch,
        }),
    }
    Ok(())
}
