//! One replica of a peer, and the line to it while there is a connection.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::Response;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::address::Origin;
use super::connection::Wire;
use super::ejection::Record;
use super::exchange::{Answer, Broken, Outgoing};

/// A replica, whether it can be reached or not.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) address: SocketAddr,
    pub(super) origin: Origin,
    /// Cancelled when the peer has no replica here any more.
    pub(super) gone: CancellationToken,
    /// Somebody waits for a connection: not a moment more is to be waited before the next attempt.
    pub(super) wanted: Notify,
    record: Mutex<Record>,
    /// Whether the record has failures in it: what answers is not written down.
    failing: AtomicBool,
}

impl Replica {
    pub(super) fn new(address: SocketAddr, origin: Origin, gone: CancellationToken) -> Self {
        Self {
            address,
            origin,
            gone,
            wanted: Notify::new(),
            record: Mutex::default(),
            failing: AtomicBool::new(false),
        }
    }

    /// It answered a call.
    pub(super) fn succeeded(&self) {
        if self.failing.load(Ordering::Relaxed) {
            self.failing.store(false, Ordering::Relaxed);
            self.record().succeeded();
        }
    }

    /// It did not answer, or cannot do its work. Answers for how long it should be left out, if it should.
    pub(super) fn failed(&self) -> Option<Duration> {
        self.failing.store(true, Ordering::Relaxed);
        self.record().failed(Instant::now())
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A replica with a connection.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) replica: Arc<Replica>,
    pub(super) wire: Wire,
    /// The peer takes no calls on it any more.
    pub(super) lost: Notify,
    in_flight: AtomicUsize,
}

impl Line {
    pub(super) fn new(replica: Arc<Replica>, wire: Wire) -> Self {
        Self {
            replica,
            wire,
            lost: Notify::new(),
            in_flight: AtomicUsize::new(0),
        }
    }

    /// How many calls are under way.
    pub(super) fn load(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Sends a call and waits for the answer.
    pub(super) async fn ask(&self, outgoing: &Outgoing) -> Result<Response<Answer>, Broken> {
        let _counted = InFlight::begin(&self.in_flight);
        self.wire.ask(outgoing).await
    }
}

/// Counts a call until it ends, also when nobody waits for it any more.
struct InFlight<'line>(&'line AtomicUsize);

impl<'line> InFlight<'line> {
    fn begin(count: &'line AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
