//! What checkouts and sagas ask of the stock at the same time, done in one transaction.

use std::collections::HashMap;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::{Group, Together, Transaction, update_each};

use super::Store;
use super::document::HoldDocument;
use super::holds::Rule;
use super::stock::{Pieces, Shelf};
use crate::domain::{HeldLine, Hold, HoldId, HoldState, Movement, Reservation, Step};
use crate::error::Error;

/// One wish, fulfilled at most once for its operation.
#[derive(Clone, Debug)]
struct Errand {
    operation: Operation,
    wish: Wish,
}

/// What is asked for.
#[derive(Clone, Debug)]
enum Wish {
    /// To set stock aside.
    Reserve(Reservation),
    /// To do to a hold what a rule says.
    Settle(HoldId, Rule),
}

/// Reserves and settles, what is asked for at the same time together.
pub(crate) struct Stockroom(Group<Work>);

struct Work(Store);

impl Stockroom {
    pub(crate) fn start(store: Store) -> Self {
        Self(Group::start(Work(store)))
    }

    /// Sets stock aside, all lines or none. A repeat answers what was set aside the first time.
    pub(crate) async fn reserve(
        &self,
        operation: Operation,
        reservation: Reservation,
    ) -> Result<Vec<HeldLine>, Error> {
        let wish = Wish::Reserve(reservation);
        self.0.submit(Errand { operation, wish }).await
    }

    /// Does to a hold what the rule says, and answers the lines of which others see that it was done.
    pub(crate) async fn settle(
        &self,
        operation: Operation,
        hold_id: HoldId,
        rule: Rule,
    ) -> Result<Vec<HeldLine>, Error> {
        let wish = Wish::Settle(hold_id, rule);
        self.0.submit(Errand { operation, wish }).await
    }
}

/// Errands are answered with the lines of which there are more or fewer to be bought now.
impl Together for Work {
    type Job = Errand;
    type Answer = Vec<HeldLine>;
    type Error = Error;

    async fn together(&self, errands: &[Errand]) -> Result<Vec<Vec<HeldLine>>, Error> {
        self.0.do_all(errands).await
    }

    async fn alone(&self, errand: &Errand) -> Result<Vec<HeldLine>, Error> {
        let operation = &errand.operation;
        match &errand.wish {
            Wish::Reserve(reservation) => self.0.reserve(operation, reservation).await,
            Wish::Settle(hold_id, rule) => self.0.settle_hold(operation, hold_id, *rule).await,
        }
    }
}

/// What is written for a group of errands.
#[derive(Default)]
struct Plan {
    holds: Vec<HoldDocument>,
    marks: Vec<Document>,
    pieces: Pieces,
    answers: Vec<Vec<HeldLine>>,
}

impl Store {
    /// Does all errands, or none when any is refused or a repeat of a reservation.
    async fn do_all(&self, errands: &[Errand]) -> Result<Vec<Vec<HeldLine>>, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self.do_all_once(transaction.session(), errands).await;
            if let Some(answers) = transaction.settle(attempt).await? {
                return Ok(answers);
            }
        }
    }

    async fn do_all_once(
        &self,
        session: &mut ClientSession,
        errands: &[Errand],
    ) -> Result<Vec<Vec<HeldLine>>, Error> {
        let operations = errands.iter().map(|errand| &errand.operation);
        self.fence.pass_all(session, operations).await?;
        let holds = self.holds_of(session, errands).await?;
        let shelf = self.shelf(session, wanted(errands)).await?;
        let plan = plan(errands, holds, shelf)?;
        if !plan.holds.is_empty() {
            self.holds
                .insert_many(plan.holds)
                .session(&mut *session)
                .await?;
        }
        let marked = u64::try_from(plan.marks.len()).unwrap_or(u64::MAX);
        if update_each(session, &self.holds, plan.marks).await? != marked {
            return Err(Error::StockContradicted);
        }
        self.move_pieces(session, plan.pieces).await?;
        Ok(plan.answers)
    }

    /// The holds that are to be settled.
    async fn holds_of(
        &self,
        session: &mut ClientSession,
        errands: &[Errand],
    ) -> Result<HashMap<String, Hold>, Error> {
        let ids = errands.iter().filter_map(|errand| match &errand.wish {
            Wish::Settle(hold_id, _) => Some(hold_id.text()),
            Wish::Reserve(_) => None,
        });
        let ids: Vec<&str> = ids.collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let these = doc! {"_id": {"$in": ids}};
        let mut found = self.holds.find(these).session(&mut *session).await?;
        let holds = found
            .stream(session)
            .map_ok(|hold| (hold.id.clone(), Hold::from(hold)));
        Ok(holds.try_collect().await?)
    }
}

/// The products that are to be set aside.
fn wanted(errands: &[Errand]) -> Vec<ObjectId> {
    let mut wanted = Vec::new();
    for errand in errands {
        if let Wish::Reserve(reservation) = &errand.wish {
            wanted.extend(reservation.products());
        }
    }
    wanted
}

/// Decides errand by errand, each on what those before it leave.
fn plan(
    errands: &[Errand],
    mut holds: HashMap<String, Hold>,
    mut shelf: Shelf,
) -> Result<Plan, Error> {
    let mut plan = Plan::default();
    for errand in errands {
        let answer = match &errand.wish {
            Wish::Reserve(reservation) => {
                plan.reserve(&mut shelf, &errand.operation, reservation)?
            }
            Wish::Settle(hold_id, rule) => plan.settle(&mut holds, hold_id, *rule)?,
        };
        plan.answers.push(answer);
    }
    Ok(plan)
}

impl Plan {
    fn reserve(
        &mut self,
        shelf: &mut Shelf,
        operation: &Operation,
        reservation: &Reservation,
    ) -> Result<Vec<HeldLine>, Error> {
        let lines = shelf.take(&reservation.lines)?;
        let hold = HoldDocument::held(reservation, &operation.id, &lines);
        self.holds.push(hold);
        self.pieces.add(Movement::Reserve, &lines);
        Ok(lines)
    }

    fn settle(
        &mut self,
        holds: &mut HashMap<String, Hold>,
        hold_id: &HoldId,
        rule: Rule,
    ) -> Result<Vec<HeldLine>, Error> {
        let hold = holds.get_mut(hold_id.text());
        match (rule(hold.as_ref().map(|hold| hold.state))?, hold) {
            (Step::Move(movement), Some(hold)) => {
                let after = HoldState::after(movement);
                self.marks.push(mark(hold_id, hold.state, after));
                self.pieces.add(movement, &hold.lines);
                hold.state = after;
                return Ok(movement.seen_in(hold.lines.clone()));
            }
            (Step::Forbid, _) => self.holds.push(HoldDocument::never(hold_id)),
            (Step::Done | Step::Move(_), _) => {}
        }
        Ok(Vec::new())
    }
}

fn mark(hold_id: &HoldId, before: HoldState, after: HoldState) -> Document {
    let as_read = doc! {"_id": hold_id.text(), "state": before.word()};
    let marked = doc! {"$set": {"state": after.word(), "updatedAt": DateTime::now()}};
    doc! {"q": as_read, "u": marked}
}
