//! A connection to one replica: TCP, TLS where this process has certificates, HTTP/2. To a role of this
//! process there is none: it is called as it is.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use h2::client::SendRequest;
use http::{Request, Response};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tonic::body::Body;
use tonic::{Code, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::Service;

use super::address::Origin;
use super::exchange::{Answer, Broken, Outgoing, exchange};
use super::next_door::ask;
use crate::neighbours::{self, Neighbour};

/// How long a replica may take to take a connection and to say that it serves.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How much of one answer, and of all answers together, may be on its way unread.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// Larger than the default, for pages of a thousand products.
const FRAME_BYTES: u32 = 64 * 1024;
const HEADER_BYTES: u32 = 64 * 1024;

/// Why a replica cannot be called.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Protocol(#[from] h2::Error),
    #[error("{}", .0.message())]
    Unheard(Status),
    #[error("no answer in time")]
    Late,
}

/// Makes connections to the replicas of one peer.
#[derive(Clone)]
pub(super) struct Connector {
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// A connection, and the task that drives it until nobody can use it any more and every call on it has
/// ended.
pub(super) struct Connected {
    pub(super) wire: Wire,
    pub(super) driver: JoinHandle<Result<(), h2::Error>>,
    pub(super) serves: bool,
}

impl Connector {
    /// With TLS, the certificate of each replica must bear the name `peer`, wherever it is: the key of
    /// one service does not make its holder another one.
    pub(super) fn new(tls: Option<(Arc<ClientConfig>, ServerName<'static>)>) -> Self {
        let tls = tls.map(|(config, peer)| (TlsConnector::from(config), peer));
        Self { tls }
    }

    /// Connects, and hears from the replica: what it thinks of our certificate is not known before.
    pub(super) async fn connect(
        &self,
        address: SocketAddr,
        origin: &Origin,
    ) -> Result<Connected, ConnectError> {
        let connecting = async {
            let (wire, driver) = self.open(address, origin).await?;
            let serves = wire.check().await.map_err(ConnectError::Unheard)?;
            Ok(Connected {
                wire,
                driver,
                serves,
            })
        };
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
        connected.unwrap_or(Err(ConnectError::Late))
    }

    async fn open(&self, address: SocketAddr, origin: &Origin) -> Result<Opened, ConnectError> {
        if let Some(neighbour) = neighbours::at(address).await {
            return Ok(speak_to(neighbour, origin));
        }
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => speak_http2(stream, origin).await,
            Some((tls, peer)) => {
                let stream = tls.connect(peer.clone(), stream).await?;
                speak_http2(stream, origin).await
            }
        }
    }
}

type Opened = (Wire, JoinHandle<Result<(), h2::Error>>);

async fn speak_http2<S>(stream: S, origin: &Origin) -> Result<Opened, ConnectError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut protocol = h2::client::Builder::new();
    protocol
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME_BYTES)
        .max_header_list_size(HEADER_BYTES)
        .enable_push(false);
    let (sender, connection) = protocol.handshake(stream).await?;
    let wire = Wire {
        end: End::Connection(sender),
        origin: origin.clone(),
    };
    Ok((wire, tokio::spawn(connection)))
}

fn speak_to(neighbour: Neighbour, origin: &Origin) -> Opened {
    let wire = Wire {
        end: End::Neighbour(neighbour.clone()),
        origin: origin.clone(),
    };
    let staying = async move {
        neighbour.gone().await;
        Ok(())
    };
    (wire, tokio::spawn(staying))
}

/// What calls are sent over: one connection and no other, or none at all.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    end: End,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum End {
    Connection(SendRequest<Bytes>),
    Neighbour(Neighbour),
}

impl Wire {
    /// Sends a call and waits for the answer.
    pub(super) async fn ask(&self, outgoing: &Outgoing) -> Result<Response<Answer>, Broken> {
        match &self.end {
            End::Connection(sender) => exchange(sender.clone(), &self.origin, outgoing).await,
            End::Neighbour(neighbour) => ask(neighbour, &self.origin, outgoing).await,
        }
    }

    /// Whether the replica says that it serves. One that does not know the question does.
    pub(super) async fn check(&self) -> Result<bool, Status> {
        let whole_process = HealthCheckRequest::default();
        let answer = HealthClient::new(self.clone()).check(whole_process).await;
        match answer {
            Ok(answer) => Ok(answer.into_inner().status == ServingStatus::Serving as i32),
            Err(status) => match status.code() {
                Code::Unimplemented => Ok(true),
                // It serves nothing any more.
                Code::NotFound => Ok(false),
                _ => Err(status),
            },
        }
    }
}

impl Service<Request<Body>> for Wire {
    type Response = Response<Answer>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Answer>, Status>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let wire = self.clone();
        Box::pin(async move {
            let outgoing = Outgoing::read(request).await?;
            Ok(wire.ask(&outgoing).await?)
        })
    }
}
