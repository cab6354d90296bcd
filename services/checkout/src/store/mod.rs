//! Documents, indexes and queries; nothing else speaks to MongoDB.

mod change;
mod migrations;
mod queries;
mod standing;
mod unsettled;

use std::sync::Arc;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use reen_mongo::{Collection, Database, GuardedWrites};
use serde::Deserialize;

use crate::domain::{Checkout, HoldState};
use crate::error::Error;
pub use migrations::schema;
use queries::{abandoned_before, overdue_before, owing_release};
pub(crate) use reen_mongo::{Claim, Idempotency};

#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    checkouts: Collection<Checkout>,
    /// Changes of checkouts, those of the same moment together.
    writes: Arc<GuardedWrites>,
}

impl Store {
    pub(crate) fn open(database: &Database) -> Self {
        Self {
            database: database.clone(),
            checkouts: database.collection(migrations::CHECKOUTS),
            writes: Arc::new(GuardedWrites::open(database, migrations::CHECKOUTS)),
        }
    }

    /// Stores a new checkout; or answers the one of this id, which a process made that died since.
    pub(crate) async fn insert(&self, checkout: Checkout) -> Result<Checkout, Error> {
        let inserted = self.checkouts.insert_one(&checkout).await;
        match inserted.map_err(reen_mongo::Error::from) {
            Ok(_) => Ok(checkout),
            Err(error) if error.is_duplicate_key() => {
                self.find(checkout.id).await?.ok_or(Error::NotFound)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn find(&self, id: ObjectId) -> Result<Option<Checkout>, Error> {
        Ok(self.checkouts.find_one(doc! {"_id": id}).await?)
    }

    pub(crate) async fn find_own(
        &self,
        user_id: ObjectId,
        id: ObjectId,
    ) -> Result<Option<Checkout>, Error> {
        let own = doc! {"_id": id, "userId": user_id};
        Ok(self.checkouts.find_one(own).await?)
    }

    /// Notes that nothing is owed to the stock any more.
    pub(crate) async fn settle_hold(&self, id: ObjectId) -> Result<(), Error> {
        let owing = doc! {"_id": id, "holdState": HoldState::ReleaseOwed.word()};
        let now = DateTime::now();
        let settled = doc! {
            "$set": {"holdState": HoldState::Settled.word(), "updatedAt": now},
            "$inc": {"revision": 1_i64},
        };
        self.checkouts.update_one(owing, settled).await?;
        Ok(())
    }

    /// Checkouts made before `moment` whose payment page was never shown.
    pub(crate) async fn abandoned(&self, moment: DateTime) -> Result<Vec<ObjectId>, Error> {
        self.ids(abandoned_before(moment)).await
    }

    /// Open checkouts that could be paid until some time before `moment`.
    pub(crate) async fn overdue(&self, moment: DateTime) -> Result<Vec<ObjectId>, Error> {
        self.ids(overdue_before(moment)).await
    }

    /// Checkouts whose stock is still to be given back.
    pub(crate) async fn owing_release(&self) -> Result<Vec<ObjectId>, Error> {
        self.ids(owing_release()).await
    }

    /// All of them at once: in batches, some that cannot be settled yet would keep back the others.
    async fn ids(&self, filter: Document) -> Result<Vec<ObjectId>, Error> {
        let ids = self.checkouts.clone_with_type::<IdOnly>();
        let found = ids.find(filter).projection(doc! {"_id": 1}).await?;
        Ok(found.map_ok(|only| only.id).try_collect().await?)
    }
}

#[derive(Deserialize)]
struct IdOnly {
    #[serde(rename = "_id")]
    id: ObjectId,
}
