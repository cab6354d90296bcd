//! One connection that is made anew whenever it is lost.
//!
//! The client can recover connections itself, but its recovery knows no handshake that hangs, and
//! repeats whatever was declared. Here a lost connection is simply gone, with its channels; whoever
//! needs one asks for the current one.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::Error;

/// RabbitMQ itself waits ten seconds for a handshake that does not come.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How often a connection is looked at that has not said that it ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Seconds. A peer that vanished without a word is noticed after two of these.
const HEARTBEAT: u16 = 10;
/// The client holds room for 64 frames ready on each connection: eight megabytes with the frames that a
/// broker proposes. A longer message goes in several of these.
const FRAME_BYTES: u32 = 16 * 1024;

/// What is wrong, and what to do about it.
const AWAY: &str = "not connected: look at RabbitMQ's log and at MESSAGE_BROKER_URL";
const BLOCKED: &str = "the broker blocks publishers (memory or disk alarm): free some of either";

/// Where to connect, and under which name the broker lists it.
#[derive(Clone)]
pub(crate) struct Target {
    uri: AMQPUri,
    name: String,
}

impl Target {
    pub(crate) fn new(url: &SecretString, name: String) -> Result<Self, Error> {
        let mut uri: AMQPUri = url.expose_secret().parse().map_err(Error::Url)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        uri.query.frame_max.get_or_insert(FRAME_BYTES);
        Ok(Self { uri, name })
    }

    /// The same broker, listed under a longer name.
    pub(crate) fn named(&self, suffix: &str) -> Self {
        Self {
            uri: self.uri.clone(),
            name: format!("{}{suffix}", self.name),
        }
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let properties =
            ConnectionProperties::default().with_connection_name(self.name.clone().into());
        let connecting = Connection::connect_uri(self.uri.clone(), properties);
        let connected = timeout(HANDSHAKE_TIMEOUT, connecting).await;
        Ok(connected.map_err(|_| Error::Unavailable(None))??)
    }
}

#[derive(Clone)]
enum State {
    Away(Error),
    Up(Arc<Connection>),
    Closed,
}

/// A connection that comes back by itself, until it is closed or the last of its clones is gone.
#[derive(Clone)]
pub(crate) struct Line {
    state: watch::Receiver<State>,
    closing: CancellationToken,
    _open: Arc<DropGuard>,
}

impl Line {
    pub(crate) fn start(target: Target) -> Self {
        let (said, state) = watch::channel(State::Away(Error::Unavailable(None)));
        let closing = CancellationToken::new();
        let open = Arc::new(closing.clone().drop_guard());
        tokio::spawn(keep(target, said, closing.clone()));
        Self {
            state,
            closing,
            _open: open,
        }
    }

    /// The current connection, once there is one.
    pub(crate) async fn connection(&self) -> Result<Arc<Connection>, Error> {
        let mut state = self.state.clone();
        loop {
            match &*state.borrow_and_update() {
                State::Up(connection) if connection.status().connected() => {
                    return Ok(Arc::clone(connection));
                }
                State::Closed => return Err(Error::Unavailable(None)),
                State::Up(_) | State::Away(_) => {}
            }
            let changed = state.changed().await;
            changed.map_err(|_| Error::Unavailable(None))?;
        }
    }

    /// As [`Self::connection`], but gives up after `patience` with the last failure.
    pub(crate) async fn connection_within(
        &self,
        patience: Duration,
    ) -> Result<Arc<Connection>, Error> {
        match timeout(patience, self.connection()).await {
            Ok(connection) => connection,
            Err(_) => Err(match &*self.state.borrow() {
                State::Away(error) => error.clone(),
                State::Up(_) | State::Closed => Error::Unavailable(None),
            }),
        }
    }

    /// Waits until `connection` is not the current one any more.
    pub(crate) async fn lost(&self, connection: &Arc<Connection>) {
        let mut state = self.state.clone();
        let is_another =
            |state: &State| !matches!(state, State::Up(it) if Arc::ptr_eq(it, connection));
        // An error says that nobody keeps this line any more.
        let _lost = state.wait_for(is_another).await;
    }

    /// Does `work` on `connection`, and fails when that is lost meanwhile: a call on a lost connection
    /// may never be answered.
    pub(crate) async fn until_lost<T>(
        &self,
        connection: &Arc<Connection>,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.lost(connection) => Err(Error::Unavailable(None)),
        }
    }

    /// What keeps this connection from being used now, for an operator.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        match &*self.state.borrow() {
            State::Up(connection) if !connection.status().connected() => Some(AWAY),
            State::Up(connection) if connection.status().blocked() => Some(BLOCKED),
            State::Up(_) => None,
            State::Away(_) => Some(AWAY),
            State::Closed => Some("closed"),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(&*self.state.borrow(), State::Closed)
    }

    pub(crate) fn is_blocked(&self) -> bool {
        matches!(&*self.state.borrow(), State::Up(connection) if connection.status().blocked())
    }

    /// Closes for good, after what was sent before.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        let mut state = self.state.clone();
        // An error says that it is closed already.
        let _closed = state.wait_for(|state| matches!(state, State::Closed)).await;
    }
}

async fn keep(target: Target, said: watch::Sender<State>, closing: CancellationToken) {
    let mut pause = FIRST_PAUSE;
    while !closing.is_cancelled() {
        let connected = tokio::select! {
            () = closing.cancelled() => break,
            connected = target.connect() => connected,
        };
        match connected {
            Ok(connection) => {
                pause = FIRST_PAUSE;
                tracing::debug!(name = target.name, "connected to RabbitMQ");
                hold(Arc::new(connection), &said, &closing).await;
            }
            Err(error) => {
                tracing::warn!(name = target.name, %error, "waiting for RabbitMQ");
                said.send_replace(State::Away(error));
            }
        }
        let _closing = timeout(pause, closing.cancelled()).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    said.send_replace(State::Closed);
}

/// Until the connection is lost or to be closed.
async fn hold(
    connection: Arc<Connection>,
    said: &watch::Sender<State>,
    closing: &CancellationToken,
) {
    let mut events = connection.events_listener();
    said.send_replace(State::Up(Arc::clone(&connection)));
    while connection.status().connected() {
        tokio::select! {
            () = closing.cancelled() => return close(&connection).await,
            Some(_) = events.next() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
    said.send_replace(State::Away(Error::Unavailable(None)));
}

async fn close(connection: &Connection) {
    let closing = connection.close(200, "stopping".into());
    match timeout(CLOSE_TIMEOUT, closing).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "the broker's connection was closed already"),
        Err(_) => tracing::debug!("the broker does not answer the closing of its connection"),
    }
}
