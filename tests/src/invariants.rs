//! The checker, on the mesh of a test.

use std::time::Duration;

use bson::{Document, doc};
use reen_invariants::{Databases, Progress, Report, Terms, check};
use reen_testkit::eventually;

use crate::Mesh;

/// What a test breaks stays broken: it is not worth a longer second look.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Waits until no saga is under way, and checks money, stock and orders over the mesh's databases.
///
/// # Panics
/// When one of the invariants does not hold; the message names it.
pub async fn assert_invariants(mesh: &Mesh) {
    eventually("every saga to have ended", async || {
        (unsettled(mesh).await == 0).then_some(())
    })
    .await;
    let report = report(&databases(mesh).await, Terms::quiet()).await;
    assert!(report.is_clean(), "{:#?}", report.findings);
}

/// The databases of a mesh, for the checker.
pub async fn databases(mesh: &Mesh) -> Databases {
    Databases {
        auth: mesh.database("AUTH").await,
        products: mesh.database("PRODUCTS").await,
        cart_items: mesh.database("CART_ITEMS").await,
        checkout: mesh.database("CHECKOUT").await,
        orders: mesh.database("ORDERS").await,
        events: mesh.database("EVENTS").await,
    }
}

/// What the checker finds in the databases of a mesh.
///
/// # Panics
/// When one cannot be read.
pub async fn report(databases: &Databases, terms: Terms) -> Report {
    let terms = terms.pausing(BETWEEN_LOOKS);
    let report = check(databases, terms, &Progress::default()).await;
    report.expect("the databases can be read")
}

/// How many sagas somebody goes on with, and messages wait; a stuck saga is for the checker to find.
async fn unsettled(mesh: &Mesh) -> u64 {
    let at_work = doc! {"status": {"$in": ["running", "compensating", "closing"]}};
    let mut unsettled = 0;
    for (database, collection, filter) in [
        ("EVENTS", "sagas", at_work),
        ("EVENTS", "outbox", doc! {}),
        ("ORDERS", "outbox", doc! {}),
    ] {
        let documents = mesh.database(database).await;
        let documents = documents.collection::<Document>(collection);
        let count = documents.count_documents(filter).await;
        unsettled += count.expect("the databases can be read");
    }
    unsettled
}
