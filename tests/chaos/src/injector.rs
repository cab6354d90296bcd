//! Carries a plan out.

use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::mesh::Mesh;
use crate::plan::{Fault, Planned};
use crate::report::Struck;

/// Lets each fault strike when its number of purchases was begun, and answers once all have healed.
/// They overlap: one strikes while others heal.
pub(crate) async fn inject(
    mesh: Arc<Mesh>,
    plan: Vec<Planned>,
    mut begun: watch::Receiver<u64>,
) -> Result<Struck> {
    let mut struck = Struck::default();
    let mut healing = JoinSet::new();
    for planned in plan {
        // Nobody buys any more: what is left strikes all the same.
        let _closed = begun.wait_for(|begun| *begun > planned.after).await;
        struck.count(&planned.fault);
        eprintln!("purchase {}: {}", planned.after, planned.fault);
        let mesh = Arc::clone(&mesh);
        healing.spawn(async move {
            let outcome = strike(&mesh, planned.fault).await;
            outcome.with_context(|| planned.fault.to_string())
        });
    }
    while let Some(healed) = healing.join_next().await {
        healed.context("a fault panicked")??;
    }
    Ok(struck)
}

async fn strike(mesh: &Mesh, fault: Fault) -> Result<()> {
    match fault {
        Fault::Kill { process, down } => mesh.kill(process, down).await,
        Fault::KillBackend { backend, down } => mesh.backends.kill(backend, down).await,
        Fault::StepDown => mesh.backends.step_down().await,
        Fault::Cut { line, lasting } => {
            mesh.lines.cut(line, lasting).await;
            Ok(())
        }
        Fault::Delay { line, by, lasting } => {
            mesh.lines.delay(line, by, lasting).await;
            Ok(())
        }
    }
}
