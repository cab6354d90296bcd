//! The checker, on the mesh of a test.

use reen_invariants::{Databases, Mesh as State, Report, check};

use crate::Mesh;

/// Checks money, stock and orders over the mesh's databases once it is quiet.
///
/// # Panics
/// When one of the invariants does not hold; the message names it.
pub async fn assert_invariants(mesh: &Mesh) {
    reen_testkit::eventually("every saga to be settled", async || {
        let events = mesh.database("EVENTS").await;
        let sagas = events.collection::<bson::Document>("sagas");
        let left = sagas.count_documents(unsettled()).await.ok()?;
        (left == 0).then_some(())
    })
    .await;
    let report = report(mesh, State::Quiet).await;
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
}

/// What the checker says of the mesh.
///
/// # Panics
/// When a database cannot be read.
pub async fn report(mesh: &Mesh, state: State) -> Report {
    let databases = Databases {
        auth: mesh.database("AUTH").await,
        products: mesh.database("PRODUCTS").await,
        checkout: mesh.database("CHECKOUT").await,
        orders: mesh.database("ORDERS").await,
        events: mesh.database("EVENTS").await,
    };
    let report = check(&databases, state).await;
    report.expect("the databases can be read")
}

fn unsettled() -> bson::Document {
    bson::doc! {"status": {"$in": ["running", "compensating", "closing"]}}
}
