//! What operators ask of sagas: lists, and turns that go out with a message in one transaction.

use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::{ClientSession, IndexModel};
use reen_messaging::Message;
use reen_mongo::{Claim, Transaction};
use reen_proto::events::v1::SagaDue;

use super::change::{RELEASED, refusal_document};
use super::{Saga, Status, Store};
use crate::error::Error;

/// Enough for the steps that are done side by side, one of which failed.
const END_OF_LOG: i32 = 8;

/// Which sagas are listed.
#[derive(Clone, Debug)]
pub(crate) struct SagaFilter {
    pub(crate) status: Option<Status>,
    pub(crate) kind: Option<String>,
    /// Those that began before this.
    pub(crate) before: Option<DateTime>,
    /// Those behind the saga that began then and has this id.
    pub(crate) after: Option<(DateTime, String)>,
    pub(crate) limit: i64,
}

/// What an operator tells a saga to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Turn<'turn> {
    /// Go on now.
    Retry,
    /// Turn around, for this reason.
    Compensate(&'turn str),
}

pub(super) fn indexes() -> [IndexModel; 3] {
    [
        doc! {"createdAt": -1, "_id": -1},
        doc! {"status": 1, "createdAt": -1, "_id": -1},
        doc! {"kind": 1, "createdAt": -1, "_id": -1},
    ]
    .map(|keys| IndexModel::builder().keys(keys).build())
}

impl SagaFilter {
    fn document(&self) -> Document {
        let mut filter = Document::new();
        if let Some(status) = self.status {
            filter.insert("status", status.word());
        }
        if let Some(kind) = &self.kind {
            filter.insert("kind", kind);
        }
        if let Some(before) = self.before {
            filter.insert("createdAt", doc! {"$lt": before});
        }
        match &self.after {
            Some((began_at, id)) => behind(&filter, *began_at, id),
            None => filter,
        }
    }
}

/// What of `filter` comes behind a saga. Each alternative comes in the order of an index, so that they are
/// merged.
pub(super) fn behind(filter: &Document, began_at: DateTime, id: &str) -> Document {
    let all = |place| doc! {"$and": [filter, place]};
    let earlier = doc! {"createdAt": {"$lt": began_at}};
    let beside = doc! {"createdAt": began_at, "_id": {"$lt": id}};
    doc! {"$or": [all(earlier), all(beside)]}
}

impl Store {
    /// Sagas, the newest first; of their logs only the end.
    pub(crate) async fn list(&self, filter: &SagaFilter) -> Result<Vec<Saga>, Error> {
        let found = self
            .sagas
            .find(filter.document())
            .sort(doc! {"createdAt": -1, "_id": -1})
            .projection(doc! {"log": {"$slice": -END_OF_LOG}})
            .limit(filter.limit)
            .await?;
        Ok(found.try_collect().await?)
    }

    pub(crate) async fn find(&self, id: &str) -> Result<Option<Saga>, Error> {
        Ok(self.sagas.find_one(doc! {"_id": id}).await?)
    }

    /// Turns a saga as the operator says, if `may` agrees with what is stored, and puts the message
    /// for its next runner into the outbox.
    pub(crate) async fn turn(
        &self,
        id: &str,
        turn: Turn<'_>,
        may: impl Fn(&Saga) -> Result<(), Error>,
        claim: &Claim<Saga>,
    ) -> Result<Saga, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        let turned = loop {
            let attempt = self.turn_once(transaction.session(), id, turn, &may, claim);
            let attempt = attempt.await;
            if let Some(turned) = transaction.settle(attempt).await? {
                break turned;
            }
        };
        self.outbox.nudge();
        Ok(turned)
    }

    async fn turn_once(
        &self,
        session: &mut ClientSession,
        id: &str,
        turn: Turn<'_>,
        may: &impl Fn(&Saga) -> Result<(), Error>,
        claim: &Claim<Saga>,
    ) -> Result<Saga, Error> {
        let this = doc! {"_id": id};
        let found = self.sagas.find_one(this.clone());
        let saga = found.session(&mut *session).await?.ok_or(Error::NotFound)?;
        may(&saga)?;
        let update = update(&saga, turn)?;
        let message = Message::new(&SagaDue {
            saga_id: id.to_owned(),
        });
        self.outbox.put(&mut *session, &message).await?;
        let turned = self.sagas.find_one_and_update(this, update);
        let turned = turned.return_document(mongodb::options::ReturnDocument::After);
        let turned = turned.session(&mut *session).await?;
        let turned = turned.ok_or(Error::NotFound)?;
        claim.keep(session, &turned).await?;
        Ok(turned)
    }
}

/// A new epoch in any case: whoever still runs the saga is refused from then on.
fn update(saga: &Saga, turn: Turn<'_>) -> Result<Document, Error> {
    let now = DateTime::now();
    let mut set = doc! {"attempts": 0, "dueAt": now, "updatedAt": now, "leaseUntil": RELEASED};
    match turn {
        Turn::Retry => {
            let status = saga.stuck_in.unwrap_or(saga.status);
            set.insert("status", status.word());
        }
        Turn::Compensate(reason) => {
            set.insert("status", Status::Compensating.word());
            set.insert("refusal", refusal_document("operator", reason)?);
        }
    }
    Ok(doc! {"$set": set, "$inc": {"epoch": 1}, "$unset": {"stuckIn": true}})
}
