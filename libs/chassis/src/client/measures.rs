//! What is measured of a peer's replicas: how many there are, and how often one had to be left out or a
//! call be sent again.

use metrics::{Counter, Gauge, counter, gauge};

pub(crate) fn describe() {
    metrics::describe_gauge!("reen_peer_replicas", "Replicas of a peer that are known.");
    metrics::describe_gauge!(
        "reen_peer_replicas_open",
        "Those of them that are given calls."
    );
    metrics::describe_counter!(
        "reen_peer_ejections_total",
        "How often a replica was left out because of how it answered."
    );
    metrics::describe_counter!(
        "reen_peer_retries_total",
        "Calls that were sent again: unsent (no replica had begun them) or repeated."
    );
    metrics::describe_counter!(
        "reen_peer_retries_refused_total",
        "Calls that were not sent again because too many were."
    );
}

/// The measures of calls from one process to one peer.
pub(super) struct Measures {
    known: Gauge,
    open: Gauge,
    /// A replica was left out because of how it answered.
    pub(super) ejections: Counter,
    /// A call that no replica had begun was sent to another one.
    pub(super) unsent: Counter,
    /// A call that may have been executed was sent a second time.
    pub(super) repeated: Counter,
    /// A call was not sent a second time, because too many were.
    pub(super) unaffordable: Counter,
}

impl Measures {
    pub(super) fn new(from: &'static str, peer: &'static str) -> Self {
        let retries =
            |why| counter!("reen_peer_retries_total", "from" => from, "peer" => peer, "why" => why);
        Self {
            known: gauge!("reen_peer_replicas", "from" => from, "peer" => peer),
            open: gauge!("reen_peer_replicas_open", "from" => from, "peer" => peer),
            ejections: counter!("reen_peer_ejections_total", "from" => from, "peer" => peer),
            unsent: retries("unsent"),
            repeated: retries("repeated"),
            unaffordable: counter!("reen_peer_retries_refused_total", "from" => from, "peer" => peer),
        }
    }

    /// So many replicas are known, and so many of them are given calls.
    pub(super) fn replicas(&self, known: usize, open: usize) {
        self.known.set(float(known));
        self.open.set(float(open));
    }
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
