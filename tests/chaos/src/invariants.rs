//! What must hold over all databases once the mesh is quiet.

use anyhow::Result;
use reen_invariants::{Databases, Progress, Terms, check};

use crate::mesh::Mesh;
use crate::parts::Process;

/// What does not hold.
pub(crate) async fn broken(mesh: &Mesh) -> Result<Vec<String>> {
    let database = |process| mesh.database(process).cloned();
    let databases = Databases {
        auth: database(Process::Auth)?,
        products: database(Process::Products)?,
        cart_items: database(Process::CartItems)?,
        checkout: database(Process::Checkout)?,
        orders: database(Process::Orders)?,
        events: database(Process::EventsHandler)?,
    };
    let report = check(&databases, Terms::quiet(), &Progress::default()).await?;
    let mut broken: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    if report.left_off > 0 {
        broken.push(format!("{} more", report.left_off));
    }
    Ok(broken)
}
