//! From SIGTERM or Ctrl-C to an orderly stop, in steps and within a limit.
//!
//! 1. The process *leaves*: it says that it is not ready, and works on, so that whoever sends it work notices.
//! 2. It *closes*: it takes nothing new, and finishes what it has.
//! 3. It is *cut off*: the time is over, or the signal came a second time. What has not finished then is
//!    named in the log, and made up for as after a crash.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config::Reader;

const DRAIN_SECONDS: u64 = 0;
/// Less than the thirty that container engines wait before they kill.
const STOP_SECONDS: u64 = 25;

/// How long a process may take to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopTimes {
    /// `DRAIN_SECONDS`: for how long new work is taken after the process has said that it is not ready.
    pub drain: Duration,
    /// `STOP_SECONDS`: how long after the signal it is cut off; more than `drain`.
    pub limit: Duration,
}

impl StopTimes {
    /// Reads both.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let drain = reader.or("DRAIN_SECONDS", DRAIN_SECONDS);
        let limit = reader.or("STOP_SECONDS", STOP_SECONDS);
        let (drain, limit) = (drain?, limit?);
        if drain >= limit {
            return reader.problem("STOP_SECONDS must be more than DRAIN_SECONDS".to_owned());
        }
        Some(Self {
            drain: Duration::from_secs(drain),
            limit: Duration::from_secs(limit),
        })
    }
}

/// Tells the parts of a process when to stop, and knows which of them have not yet; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    leaving: CancellationToken,
    closing: CancellationToken,
    owner: Option<&'static str>,
    running: Running,
}

impl Shutdown {
    /// Cancelled when the process leaves.
    #[must_use]
    pub fn leaving(&self) -> &CancellationToken {
        &self.leaving
    }

    /// Cancelled when nothing new is to be taken any more.
    #[must_use]
    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Does a part of the process's work, under a name for the case that it does not end in time.
    pub async fn part<F: Future>(&self, name: &'static str, work: F) -> F::Output {
        let name = match self.owner {
            Some(owner) => format!("{owner}: {name}"),
            None => name.to_owned(),
        };
        let _until_it_ends = self.running.begin(name);
        work.await
    }

    /// The parts that have not ended.
    #[must_use]
    pub fn unfinished(&self) -> Vec<String> {
        self.running.names().clone()
    }

    /// The same for `owner`, one of the apps in this process: it leaves with all, and closes when its own
    /// [`Self::closing`] is cancelled.
    #[must_use]
    pub fn stage(&self, owner: &'static str) -> Self {
        Self {
            leaving: self.leaving.clone(),
            closing: CancellationToken::new(),
            owner: Some(owner),
            running: self.running.clone(),
        }
    }
}

/// Closes at once, and is never cut off: for tests and tools.
impl From<CancellationToken> for Shutdown {
    fn from(stop: CancellationToken) -> Self {
        Self {
            leaving: stop.clone(),
            closing: stop,
            ..Self::default()
        }
    }
}

impl From<&Shutdown> for Shutdown {
    fn from(shutdown: &Shutdown) -> Self {
        shutdown.clone()
    }
}

#[derive(Clone, Debug, Default)]
struct Running(Arc<Mutex<Vec<String>>>);

impl Running {
    fn begin(&self, name: String) -> Part {
        self.names().push(name.clone());
        Part {
            name,
            running: self.clone(),
        }
    }

    fn names(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part that runs until this is dropped.
struct Part {
    name: String,
    running: Running,
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut names = self.running.names();
        if let Some(at) = names.iter().position(|name| *name == self.name) {
            names.swap_remove(at);
        }
    }
}

/// A process does not wait any longer for what it has not finished.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}; cut off: {}", unfinished.join(", "))]
pub struct CutOff {
    /// Why it does not.
    pub why: Hurry,
    /// The parts that had not ended.
    pub unfinished: Vec<String>,
}

/// Why a process does not wait any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hurry {
    /// So long after the signal: `STOP_SECONDS`.
    TimeIsOver(Duration),
    /// The signal came a second time.
    SecondSignal,
}

impl fmt::Display for Hurry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimeIsOver(limit) => write!(formatter, "not stopped after {limit:?}"),
            Self::SecondSignal => formatter.write_str("told a second time to stop"),
        }
    }
}

/// SIGTERM and SIGINT of this process, caught from when it is made.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches them.
    ///
    /// # Errors
    /// When the handlers cannot be installed.
    pub fn catch() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next of either.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Leads `shutdown` through its steps, from the first signal or from when a part of the process
    /// has it leave. Returns when it is time to cut off what has not ended.
    pub async fn lead(mut self, shutdown: &Shutdown, times: StopTimes) -> CutOff {
        tokio::select! {
            () = self.next() => {}
            () = shutdown.leaving.cancelled() => {}
        }
        let (drain_seconds, limit_seconds) = (times.drain.as_secs(), times.limit.as_secs());
        tracing::info!(drain_seconds, limit_seconds, "stopping");
        let why = tokio::select! {
            why = close_in_time(shutdown, times) => why,
            () = self.next() => Hurry::SecondSignal,
        };
        let unfinished = shutdown.unfinished();
        CutOff { why, unfinished }
    }
}

async fn close_in_time(shutdown: &Shutdown, times: StopTimes) -> Hurry {
    shutdown.leaving.cancel();
    sleep(times.drain).await;
    shutdown.closing.cancel();
    sleep(times.limit.saturating_sub(times.drain)).await;
    Hurry::TimeIsOver(times.limit)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::future::pending;
    use std::time::Duration;

    use futures::FutureExt as _;
    use tokio::time::Instant;

    use super::{CutOff, Hurry, Shutdown, StopTimes, close_in_time};
    use crate::config::Reader;

    const TIMES: StopTimes = StopTimes {
        drain: Duration::from_millis(20),
        limit: Duration::from_millis(100),
    };

    fn read(drain: &str, limit: &str) -> Result<StopTimes, Vec<String>> {
        let settings = [("DRAIN_SECONDS", drain), ("STOP_SECONDS", limit)];
        let environment: HashMap<_, _> = settings
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        Reader::read(&environment, StopTimes::read).map_err(|error| error.problems)
    }

    #[test]
    fn there_is_time_left_after_the_drain() {
        let StopTimes { drain, limit } = read("", "").unwrap();
        assert_eq!((drain, limit), (Duration::ZERO, Duration::from_secs(25)));
        assert_eq!(read("5", "30").unwrap().drain, Duration::from_secs(5));
        for (drain, limit) in [("25", ""), ("5", "5"), ("", "0")] {
            let problems = read(drain, limit).unwrap_err();
            assert_eq!(problems, ["STOP_SECONDS must be more than DRAIN_SECONDS"]);
        }
    }

    #[tokio::test]
    async fn it_leaves_first_and_closes_after_the_drain() {
        let shutdown = Shutdown::default();
        let started = Instant::now();
        let closing = async {
            shutdown.leaving().cancelled().await;
            shutdown.closing().cancelled().await;
            assert!(started.elapsed() >= TIMES.drain);
        };
        tokio::select! {
            () = closing => {}
            why = close_in_time(&shutdown, TIMES) => panic!("{why}"),
        }
    }

    #[tokio::test]
    async fn what_has_not_ended_in_time_is_named() {
        let shutdown = Shutdown::default();
        let handler = shutdown.stage("events-handler");
        let quick = shutdown.part("quick", async {});
        let endless = handler.part("endless", pending::<()>());
        let leading = async {
            let why = close_in_time(&shutdown, TIMES).await;
            let unfinished = shutdown.unfinished();
            CutOff { why, unfinished }
        };
        let cut_off = tokio::select! {
            _never = futures::future::join(quick, endless) => None,
            cut_off = leading => Some(cut_off),
        };
        assert_eq!(
            cut_off.unwrap().to_string(),
            "not stopped after 100ms; cut off: events-handler: endless"
        );
        assert!(shutdown.unfinished().is_empty(), "it was dropped");
    }

    #[tokio::test]
    async fn a_stage_leaves_with_all_and_closes_by_itself() {
        let shutdown = Shutdown::default();
        let stage = shutdown.stage("orders");
        assert_eq!(
            close_in_time(&shutdown, TIMES).await,
            Hurry::TimeIsOver(TIMES.limit)
        );
        assert!(stage.leaving().is_cancelled());
        assert!(stage.closing().cancelled().now_or_never().is_none());
    }
}
