use bson::{Bson, Document, doc};
use futures::{Stream, TryStreamExt as _};
use reen_mongo::{Collection, Database, Snapshot};

use crate::Error;

/// How many ids the server sends at a time.
const IDS_AT_ONCE: u32 = 10_000;

pub(crate) const CHECKOUTS: &str = "checkouts";
pub(crate) const HOLDS: &str = "holds";
pub(crate) const INBOX: &str = "inbox";
pub(crate) const ORDERS: &str = "orders";
pub(crate) const OUTBOX: &str = "outbox";
pub(crate) const POSTINGS: &str = "postings";
pub(crate) const PRODUCTS: &str = "products";
pub(crate) const PURCHASES: &str = "purchases";
pub(crate) const SAGAS: &str = "sagas";
pub(crate) const USERS: &str = "users";

/// The databases of a mesh.
#[derive(Clone, Debug)]
pub struct Databases {
    /// Of auth: users and the ledger.
    pub auth: Database,
    /// Of products: the catalogue and its holds.
    pub products: Database,
    /// Of cart-items.
    pub cart_items: Database,
    /// Of checkout.
    pub checkout: Database,
    /// Of orders.
    pub orders: Database,
    /// Of events-handler: sagas and the inbox.
    pub events: Database,
}

/// A process that has a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Auth,
    Products,
    CartItems,
    Checkout,
    Orders,
    Events,
}

impl Owner {
    pub(crate) const ALL: [Self; 6] = [
        Self::Auth,
        Self::Products,
        Self::CartItems,
        Self::Checkout,
        Self::Orders,
        Self::Events,
    ];

    /// One that the process makes when it starts.
    fn first_collection(self) -> &'static str {
        match self {
            Self::Auth => USERS,
            Self::Products => PRODUCTS,
            Self::CartItems => "cart_items",
            Self::Checkout => CHECKOUTS,
            Self::Orders => ORDERS,
            Self::Events => SAGAS,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Products => "products",
            Self::CartItems => "cart-items",
            Self::Checkout => "checkout",
            Self::Orders => "orders",
            Self::Events => "events-handler",
        }
    }
}

impl Databases {
    /// Whether the processes of a mesh have been in them.
    pub(crate) async fn are_of_a_mesh(&self) -> Result<(), Error> {
        for owner in Owner::ALL {
            let collection = owner.first_collection();
            let source = self.source(owner, collection);
            let named = source.database.driver().list_collection_names();
            let named = named.filter(doc! {"name": collection}).await;
            if named.map_err(source.failed())?.is_empty() {
                let owner = owner.name();
                return Err(Error::NotOfAMesh { owner, collection });
            }
        }
        Ok(())
    }

    pub(crate) fn source(&self, owner: Owner, collection: &str) -> Source {
        let database = match owner {
            Owner::Auth => &self.auth,
            Owner::Products => &self.products,
            Owner::CartItems => &self.cart_items,
            Owner::Checkout => &self.checkout,
            Owner::Orders => &self.orders,
            Owner::Events => &self.events,
        };
        Source {
            owner,
            database: database.clone(),
            collection: database.collection(collection),
        }
    }
}

/// One collection, whose failures name the process that it belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    owner: Owner,
    database: Database,
    pub(crate) collection: Collection<Document>,
}

impl Source {
    /// The `_id`s of what matches, in their order.
    pub(crate) async fn ids(
        &self,
        filter: Document,
    ) -> Result<impl Stream<Item = Result<Bson, Error>> + use<>, Error> {
        let found = self
            .collection
            .find(filter)
            .projection(doc! {"_id": 1})
            .sort(doc! {"_id": 1})
            .batch_size(IDS_AT_ONCE)
            .await
            .map_err(self.failed())?;
        let ids = found.map_ok(|document| document.get("_id").cloned().unwrap_or(Bson::Null));
        Ok(ids.map_err(self.failed()))
    }

    /// All of what matches; only for filters that match few.
    pub(crate) async fn find(
        &self,
        filter: Document,
        projection: Document,
    ) -> Result<Vec<Document>, Error> {
        let found = self.collection.find(filter).projection(projection).await;
        let found = found.map_err(self.failed())?;
        found.try_collect().await.map_err(self.failed())
    }

    /// The documents of these ids, those that are there.
    pub(crate) async fn by_ids(
        &self,
        ids: impl Into<Vec<Bson>>,
        projection: Document,
    ) -> Result<Vec<Document>, Error> {
        let ids: Vec<Bson> = ids.into();
        self.find(doc! {"_id": {"$in": ids}}, projection).await
    }

    /// Reads of it and of what is beside it, all of one point in time.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Error> {
        let begun = Snapshot::begin(&self.database).await;
        begun.map_err(|error| self.unreadable(error))
    }

    pub(crate) fn failed(&self) -> impl Fn(mongodb::error::Error) -> Error + use<> {
        let owner = self.owner.name();
        move |error| unreadable(owner, error.into())
    }

    pub(crate) fn unreadable(&self, error: reen_mongo::Error) -> Error {
        unreadable(self.owner.name(), error)
    }
}

fn unreadable(owner: &'static str, source: reen_mongo::Error) -> Error {
    Error::Unreadable { owner, source }
}
