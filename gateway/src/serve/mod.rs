//! The public listener: HTTP/1.1, with bounds (`axum::serve` has none) on how many connections there are,
//! on how long a client may take to send a request's head and to read an answer, and on how long stopping
//! may take.

mod unread;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::Request;
use axum::middleware::AddExtension;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::Layer as _;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

use crate::middleware::PeerAddress;
use unread::Impatient;

/// For a listener that fails for want of file descriptors: some are free again soon.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// More than the layers let pass: what is only a little too much is refused by them, with a problem.
const LARGEST_HEAD: usize = 128 * 1024;
const MOST_HEADERS: usize = 200;

/// Everything that a request goes through.
pub(crate) type Service = BoxCloneSyncService<Request, Response, Infallible>;

/// What a client may take of us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How many connections there are at once; who comes after them waits in the system's queue.
    pub(crate) connections: usize,
    /// How long a client may take for the head of a request, and for an answer that it reads slowly; and
    /// how long requests in flight may take when we stop.
    pub(crate) patience: Duration,
}

/// A client, and its place among the connections.
struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
}

/// Serves until `shutdown`, then lets requests in flight finish.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Service,
    bounds: Bounds,
    shutdown: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(bounds.connections));
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok(accepted) => {
                let service = service.clone();
                let watcher = connections.watcher();
                tokio::spawn(serve_connection(
                    accepted,
                    service,
                    bounds.patience,
                    watcher,
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(bounds.patience, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests were still in flight when the time to stop was over");
    }
}

/// The place comes first: what cannot be served is not taken out of the system's queue.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> std::io::Result<Accepted> {
    let place = places.clone().acquire_owned().await;
    let place = place.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok(Accepted {
        stream,
        peer,
        place,
    })
}

async fn serve_connection(
    accepted: Accepted,
    service: Service,
    patience: Duration,
    watcher: Watcher,
) {
    let Accepted {
        stream,
        peer,
        place: _place,
    } = accepted;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection is gone already");
    }
    let service: AddExtension<Service, PeerAddress> =
        Extension(PeerAddress(peer.ip())).layer(service);
    let service = service.map_request(|request: hyper::Request<hyper::body::Incoming>| {
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(
            TokioIo::new(Impatient::new(stream, patience)),
            TowerToHyperService::new(service),
        );
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection broke");
    }
}
