//! What checkouts and sagas do to the stock: each effect in one transaction with its fence and its
//! record.

use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::Transaction;

use super::Store;
use super::document::{HoldDocument, IdDocument};
use super::stock::Pieces;
use crate::domain::{
    HeldLine, Hold, HoldId, HoldRefusal, HoldState, Movement, Reservation, Step, repeat,
};
use crate::error::Error;

/// More are not counted: by then it is no question of how many.
const MOST_COUNTED: u32 = 10_000;

/// A rule of [`crate::domain`]: what is to be done about a hold in this state, or without a hold.
pub(crate) type Rule = fn(Option<HoldState>) -> Result<Step, HoldRefusal>;

impl Store {
    /// Sets stock aside, all lines or none. A repeat answers what was set aside the first time.
    pub(super) async fn reserve(
        &self,
        operation: &Operation,
        reservation: &Reservation,
    ) -> Result<Vec<HeldLine>, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .reserve_once(transaction.session(), operation, reservation)
                .await;
            if let Some(lines) = transaction.settle(attempt).await? {
                return Ok(lines);
            }
        }
    }

    async fn reserve_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        reservation: &Reservation,
    ) -> Result<Vec<HeldLine>, Error> {
        self.fence.pass(session, operation).await?;
        if let Some(hold) = self.hold(session, &reservation.hold_id).await? {
            return Ok(repeat(hold, &operation.id)?);
        }
        let mut shelf = self
            .shelf(session, reservation.products().collect())
            .await?;
        let lines = shelf.take(&reservation.lines)?;
        self.holds
            .insert_one(HoldDocument::held(reservation, &operation.id, &lines))
            .session(&mut *session)
            .await?;
        let pieces = Pieces::of(Movement::Reserve, &lines);
        self.move_pieces(session, pieces).await?;
        Ok(lines)
    }

    /// Does to a hold what the rule says, and answers the lines of which others see that it was done.
    pub(super) async fn settle_hold(
        &self,
        operation: &Operation,
        hold_id: &HoldId,
        rule: Rule,
    ) -> Result<Vec<HeldLine>, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .settle_hold_once(transaction.session(), operation, hold_id, rule)
                .await;
            if let Some(seen) = transaction.settle(attempt).await? {
                return Ok(seen);
            }
        }
    }

    async fn settle_hold_once(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        hold_id: &HoldId,
        rule: Rule,
    ) -> Result<Vec<HeldLine>, Error> {
        self.fence.pass(session, operation).await?;
        let hold = self.hold(session, hold_id).await?;
        match rule(hold.as_ref().map(|hold| hold.state))? {
            Step::Done => Ok(Vec::new()),
            Step::Forbid => {
                let never = HoldDocument::never(hold_id);
                self.holds.insert_one(never).session(session).await?;
                Ok(Vec::new())
            }
            Step::Move(movement) => {
                self.mark(session, hold_id, HoldState::after(movement))
                    .await?;
                let lines = hold.map(|hold| hold.lines).unwrap_or_default();
                self.move_pieces(session, Pieces::of(movement, &lines))
                    .await?;
                Ok(movement.seen_in(lines))
            }
        }
    }

    async fn hold(
        &self,
        session: &mut ClientSession,
        hold_id: &HoldId,
    ) -> Result<Option<Hold>, Error> {
        let found = self.holds.find_one(doc! {"_id": hold_id.text()});
        Ok(found.session(session).await?.map(Hold::from))
    }

    async fn mark(
        &self,
        session: &mut ClientSession,
        hold_id: &HoldId,
        state: HoldState,
    ) -> Result<(), Error> {
        let marked = doc! {"$set": {"state": state.word(), "updatedAt": DateTime::now()}};
        self.holds
            .update_one(doc! {"_id": hold_id.text()}, marked)
            .session(session)
            .await?;
        Ok(())
    }

    /// How many holds that expire before `moment` are still held.
    pub(crate) async fn held_before(&self, moment: DateTime) -> Result<u64, Error> {
        let stale = held_past(moment);
        Ok(self.holds.count_to(MOST_COUNTED, stale).await?)
    }

    /// The ids of holds that expired before `moment` and are still held, oldest first.
    pub(crate) async fn stale_holds(
        &self,
        moment: DateTime,
        limit: i64,
    ) -> Result<Vec<String>, Error> {
        let oldest_first = self
            .holds
            .clone_with_type::<IdDocument<String>>()
            .find(held_past(moment))
            .projection(doc! {"_id": 1})
            .sort(doc! {"expiresAt": 1})
            .limit(limit)
            .await?;
        Ok(oldest_first.map_ok(|hold| hold.id).try_collect().await?)
    }
}

pub(super) fn held_past(moment: DateTime) -> Document {
    doc! {"state": HoldState::Held.word(), "expiresAt": {"$lt": moment}}
}
