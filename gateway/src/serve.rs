//! The public listener: HTTP/1.1, with a bound on how long a client may take to send a request's head
//! (`axum::serve` has none) and on how long stopping may take.

use std::time::Duration;

use axum::middleware::AddExtension;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

use crate::middleware::PeerAddress;

/// For a listener that fails for want of file descriptors: some are free again soon.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const LARGEST_HEAD: usize = 64 * 1024;

/// Serves `router` until `shutdown`, then lets requests in flight finish within `patience`, which is
/// as well how long a client may take to send the head of a request.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    patience: Duration,
    shutdown: CancellationToken,
) {
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Around the router as it is: to put a layer into it would copy every route.
                let router = Extension(PeerAddress(peer.ip())).layer(router.clone());
                let connection = serve_connection(stream, router, patience, connections.watcher());
                tokio::spawn(connection);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(patience, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still in flight when the time to stop was over");
    }
}

async fn serve_connection(
    stream: TcpStream,
    router: AddExtension<Router, PeerAddress>,
    patience: Duration,
    watcher: Watcher,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection is gone already");
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection broke");
    }
}
