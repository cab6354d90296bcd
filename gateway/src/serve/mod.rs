//! The public listener: HTTP/1.1, with bounds (`axum::serve` has none) on how many connections there are
//! and on how long a client may take to send a request's head and to read an answer; and an end under
//! which no request is lost.

mod unread;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use axum::middleware::AddExtension;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use reen_chassis::shutdown::Shutdown;
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
    /// How long a client may take for the head of a request, and for an answer that it reads slowly.
    pub(crate) patience: Duration,
}

/// A client, and its place among the connections.
struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
}

/// Serves until `shutdown` closes, then lets requests in flight finish. From when it leaves every answer
/// is the last on its connection: a connection that is closed by whom the client has just written to
/// loses a request, which a proxy may not send again.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Service,
    bounds: Bounds,
    shutdown: &Shutdown,
) {
    let places = Arc::new(Semaphore::new(bounds.connections));
    let connections = GracefulShutdown::new();
    let start = |accepted| {
        let leaving = shutdown.leaving().clone();
        let watcher = connections.watcher();
        let serving = serve_connection(accepted, service.clone(), bounds, leaving, watcher);
        drop(tokio::spawn(serving));
    };
    let accepting = async {
        loop {
            match accept(&listener, &places).await {
                Ok(accepted) => start(accepted),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    let _closing: Option<()> = shutdown.closing().run_until_cancelled(accepting).await;
    accept_waiting(listener, &places).for_each(start);
    connections.shutdown().await;
}

/// Has the client take another connection for its next request.
fn say_goodbye(mut answer: Response, leaving: &CancellationToken) -> Response {
    if leaving.is_cancelled() {
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(CONNECTION, close);
    }
    answer
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

/// Those that the system has taken already, and would reset when the listener is closed.
fn accept_waiting(
    listener: TcpListener,
    places: &Arc<Semaphore>,
) -> impl Iterator<Item = Accepted> {
    // Asked itself: the runtime may not have heard of the last of them.
    let listener = listener.into_std().ok();
    std::iter::from_fn(move || {
        let place = places.clone().try_acquire_owned().ok()?;
        let (stream, peer) = listener.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        let stream = TcpStream::from_std(stream).ok()?;
        Some(Accepted {
            stream,
            peer,
            place,
        })
    })
}

async fn serve_connection(
    accepted: Accepted,
    service: Service,
    Bounds { patience, .. }: Bounds,
    leaving: CancellationToken,
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
    let service = service
        .map_request(|request: hyper::Request<hyper::body::Incoming>| {
            request.map(axum::body::Body::new)
        })
        .map_response(move |answer| say_goodbye(answer, &leaving));
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
