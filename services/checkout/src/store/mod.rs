//! Documents, indexes and queries; nothing else speaks to MongoDB.

mod change;
mod lanes;
mod schema;
mod unsettled;

use std::sync::Arc;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::TryStreamExt as _;
use mongodb::Collection;
use reen_mongo::{Database, GuardedWrites};
use serde::Deserialize;

use crate::domain::{Checkout, HoldState};
use crate::error::Error;
use lanes::Lanes;
pub(crate) use lanes::Turn;
use schema::{abandoned_before, of_key, overdue_before, owing_release};

#[derive(Clone)]
pub(crate) struct Store {
    checkouts: Collection<Checkout>,
    /// Changes of checkouts, those of the same moment together.
    writes: Arc<GuardedWrites>,
    /// One for each user's idempotency key: a repeat waits for the first instead of holding stock too.
    lanes: Lanes,
}

/// What became of a new checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inserted {
    New,
    /// The user has one under the same idempotency key.
    KeyTaken,
}

impl Store {
    pub(crate) async fn open(database: &Database) -> Result<Self, reen_mongo::Error> {
        let store = Self {
            checkouts: database.collection(schema::CHECKOUTS),
            writes: Arc::new(GuardedWrites::open(database, schema::CHECKOUTS)),
            lanes: Lanes::default(),
        };
        schema::sync(&store.checkouts).await?;
        Ok(store)
    }

    /// Waits until no other call of this process opens a checkout under the user's key. Other
    /// replicas are told apart by the unique index when the checkout is inserted.
    pub(crate) async fn turn_of(&self, user_id: ObjectId, key: &str) -> Turn {
        self.lanes.enter([(user_id.bytes(), key)]).await
    }

    pub(crate) async fn insert(&self, checkout: &Checkout) -> Result<Inserted, Error> {
        let inserted = self.checkouts.insert_one(checkout).await;
        match inserted.map_err(reen_mongo::Error::from) {
            Ok(_) => Ok(Inserted::New),
            // Ids are new, so the key is what was there before.
            Err(error) if error.is_duplicate_key() => Ok(Inserted::KeyTaken),
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

    pub(crate) async fn find_by_key(
        &self,
        user_id: ObjectId,
        idempotency_key: &str,
    ) -> Result<Option<Checkout>, Error> {
        let of_key = of_key(user_id, idempotency_key);
        Ok(self.checkouts.find_one(of_key).await?)
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
