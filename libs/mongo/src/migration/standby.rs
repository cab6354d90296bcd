use std::convert::Infallible;
use std::os::fd::AsFd as _;
use std::sync::Arc;

use reen_chassis::admin::{self, Readiness};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Database;

/// Does `work`, and answers meanwhile on a listener that is not served yet: alive, and not ready because of the
/// database.
pub(super) async fn standby<T>(
    admin: &TcpListener,
    database: &Database,
    work: impl Future<Output = T>,
) -> T {
    // Whoever keeps a connection open is not answered in this way for ever.
    let ended = CancellationToken::new();
    let _ends = ended.clone().drop_guard();
    tokio::select! {
        done = work => done,
        never = answer(admin, database, ended) => match never {},
    }
}

async fn answer(admin: &TcpListener, database: &Database, ended: CancellationToken) -> Infallible {
    let readiness = Readiness::new(vec![Arc::new(database.clone())], ended.clone());
    let answered = match twin_of(admin) {
        Ok(twin) => admin::serve(twin, readiness, ended).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = answered {
        tracing::warn!(%error, "the admin listener does not answer until the database is migrated");
    }
    std::future::pending().await
}

/// The same listener once more: the process serves the first one when it has started.
fn twin_of(listener: &TcpListener) -> std::io::Result<TcpListener> {
    let twin = listener.as_fd().try_clone_to_owned()?;
    TcpListener::from_std(twin.into())
}
