//! Roles of one process call each other without a connection between them.
//!
//! Such a call is signed, verified, measured and traced as every other, and carries the same encoded
//! message; what it leaves out is HTTP/2, and the system beneath it. The peer's listener serves everybody
//! else all the same.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, OnceLock, PoisonError};

use http::{Request, Response};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tonic::body::Body;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceExt as _};

/// Where this process listens, each with who serves there once somebody does.
type Doors = Mutex<HashMap<SocketAddr, watch::Sender<Option<Neighbour>>>>;

/// Absent where roles do not know each other: each is alone in its process then, and others are far away.
static DOORS: OnceLock<Doors> = OnceLock::new();

/// From now on the roles that this process serves call each other directly.
pub fn introduce() {
    DOORS.get_or_init(Doors::default);
}

/// A role of this process.
#[derive(Clone, Debug)]
pub(crate) struct Neighbour {
    service: BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>,
    calls: TaskTracker,
    gone: CancellationToken,
}

impl Neighbour {
    /// It waits for this call before it goes; `None` when it takes no more calls.
    pub(crate) fn begin(&self) -> Option<TaskTrackerToken> {
        let calling = self.calls.token();
        (!self.gone.is_cancelled()).then_some(calling)
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let Ok(response) = self.service.clone().oneshot(request).await;
        response
    }

    /// Until it takes no more calls.
    pub(crate) async fn gone(self) {
        self.gone.cancelled().await;
    }
}

/// This process listens there: whoever looks for a neighbour at `address` waits until it is open.
pub(crate) fn listening(address: SocketAddr) {
    if let Some(doors) = DOORS.get() {
        lock(doors).insert(address, watch::Sender::new(None));
    }
}

/// Who serves at `address`, once it does; `None` when that is no address of this process.
pub(crate) async fn at(address: SocketAddr) -> Option<Neighbour> {
    let mut door = {
        let doors = lock(DOORS.get()?);
        let everywhere = everywhere(address).and_then(|address| doors.get(&address));
        doors.get(&address).or(everywhere)?.subscribe()
    };
    let open = door.wait_for(Option::is_some).await;
    open.ok().and_then(|neighbour| neighbour.clone())
}

/// The address of a listener that is reached at this one as well as at all others.
fn everywhere(address: SocketAddr) -> Option<SocketAddr> {
    let any = match address.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let is_here = address.ip().is_loopback();
    is_here.then(|| SocketAddr::new(any, address.port()))
}

/// Where neighbours find a role, until it is shut or dropped; nowhere, when roles do not know each other.
#[derive(Debug)]
pub(crate) struct Door(Option<(SocketAddr, Neighbour)>);

impl Door {
    pub(crate) fn open<S>(address: SocketAddr, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        let Some(doors) = DOORS.get() else {
            return Self(None);
        };
        let neighbour = Neighbour {
            service: BoxCloneSyncService::new(service),
            calls: TaskTracker::new(),
            gone: CancellationToken::new(),
        };
        let mut doors = lock(doors);
        let door = doors.entry(address).or_default();
        door.send_replace(Some(neighbour.clone()));
        Self(Some((address, neighbour)))
    }

    /// No more calls are taken from now on.
    pub(crate) fn shut(&self) {
        let (Some((address, neighbour)), Some(doors)) = (&self.0, DOORS.get()) else {
            return;
        };
        if neighbour.gone.is_cancelled() {
            return;
        }
        neighbour.gone.cancel();
        neighbour.calls.close();
        lock(doors).remove(address);
    }

    /// Until the calls that were taken have ended.
    pub(crate) async fn empty(&self) {
        if let Some((_, neighbour)) = &self.0 {
            neighbour.calls.wait().await;
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shut();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
