//! What can be done to a database behind the services' backs.

mod events;
mod ledger;
mod orders;
mod stock;

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use reen_invariants::{Databases, Invariant};
use reen_mongo::{Collection, Database};

/// One thing that is broken, and how the checker says it.
#[derive(Debug)]
pub(crate) struct Damage {
    database: &'static str,
    collection: &'static str,
    /// The first document that matches is harmed.
    filter: Document,
    harm: Harm,
    pub(crate) invariant: Invariant,
    pub(crate) says: &'static str,
}

#[derive(Debug)]
enum Harm {
    Update(Document),
    Remove,
    /// A copy with these fields in place of its own; without `_id` it gets one.
    Copy(Document),
    Insert(Document),
}

/// How a damage is made good again.
pub(crate) struct Undo {
    collection: Collection<Document>,
    id: Bson,
    before: Option<Document>,
}

/// Every kind.
pub(crate) fn all() -> Vec<Damage> {
    let kinds = [
        orders::checkouts(),
        orders::orders(),
        orders::refunds(),
        stock::products(),
        stock::holds(),
        ledger::postings(),
        ledger::users(),
        ledger::fees(),
        events::sagas(),
        events::messages(),
    ];
    kinds.into_iter().flatten().collect()
}

impl Damage {
    /// Does it, past the database's own validators.
    pub(crate) async fn do_to(&self, databases: &Databases) -> Undo {
        let collection = of(databases, self.database).collection::<Document>(self.collection);
        let found = collection.find_one(self.filter.clone()).await;
        let before = found.expect("MongoDB");
        let (id, before) = match &self.harm {
            Harm::Insert(new) => (insert(&collection, new.clone()).await, None),
            harm => {
                let before = before.unwrap_or_else(|| panic!("nothing to harm: {self:#?}"));
                harm_one(&collection, harm, before).await
            }
        };
        Undo {
            collection,
            id,
            before,
        }
    }
}

async fn harm_one(
    collection: &Collection<Document>,
    harm: &Harm,
    before: Document,
) -> (Bson, Option<Document>) {
    let id = before.get("_id").cloned().expect("an id");
    let this = doc! {"_id": id.clone()};
    match harm {
        Harm::Update(update) => {
            let updating = collection.update_one(this, update.clone());
            let updated = updating.bypass_document_validation(true).await;
            assert_eq!(updated.expect("MongoDB").modified_count, 1, "{update}");
            (id, Some(before))
        }
        Harm::Remove => {
            collection.delete_one(this).await.expect("MongoDB");
            (id, Some(before))
        }
        Harm::Copy(fields) => {
            let mut copy = before;
            copy.remove("_id");
            copy.extend(fields.clone());
            (insert(collection, copy).await, None)
        }
        Harm::Insert(_) => unreachable!("nothing is there before"),
    }
}

async fn insert(collection: &Collection<Document>, new: Document) -> Bson {
    let inserting = collection.insert_one(new);
    let inserted = inserting.bypass_document_validation(true).await;
    inserted.expect("MongoDB").inserted_id
}

impl Undo {
    /// Makes it as it was.
    pub(crate) async fn undo(self) {
        let this = doc! {"_id": self.id};
        match self.before {
            Some(before) => {
                let replacing = self.collection.replace_one(this, before).upsert(true);
                replacing.await.expect("MongoDB");
            }
            None => {
                self.collection.delete_one(this).await.expect("MongoDB");
            }
        }
    }
}

fn of<'mesh>(databases: &'mesh Databases, name: &str) -> &'mesh Database {
    match name {
        "AUTH" => &databases.auth,
        "PRODUCTS" => &databases.products,
        "CART_ITEMS" => &databases.cart_items,
        "CHECKOUT" => &databases.checkout,
        "ORDERS" => &databases.orders,
        "EVENTS" => &databases.events,
        other => panic!("{other} has no database"),
    }
}

/// Changes one document for good.
pub(crate) async fn change(
    databases: &Databases,
    database: &str,
    collection: &str,
    filter: Document,
    update: Document,
) {
    let collection = of(databases, database).collection::<Document>(collection);
    let updated = collection.update_one(filter, update).await;
    assert_eq!(updated.expect("MongoDB").modified_count, 1);
}

/// Damages of one collection: which document, what is done to it, and what has to be found.
fn in_collection<const N: usize>(
    database: &'static str,
    collection: &'static str,
    harms: [(Document, Harm, Invariant, &'static str); N],
) -> Vec<Damage> {
    let damage = |(filter, harm, invariant, says)| Damage {
        database,
        collection,
        filter,
        harm,
        invariant,
        says,
    };
    harms.into_iter().map(damage).collect()
}

fn set(fields: Document) -> Harm {
    Harm::Update(doc! {"$set": fields})
}

fn unset(field: &str) -> Harm {
    Harm::Update(doc! {"$unset": {field: true}})
}

fn increase(field: &str, by: i64) -> Harm {
    Harm::Update(doc! {"$inc": {field: by}})
}

/// An id that nothing has.
fn stranger() -> String {
    ObjectId::new().to_hex()
}
