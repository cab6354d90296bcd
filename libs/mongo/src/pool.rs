//! The driver's pool of connections, as it is told on `/metrics`.

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;

const OPEN: &str = "reen_mongo_connections";
const IN_USE: &str = "reen_mongo_connections_in_use";
const WAITING: &str = "reen_mongo_checkouts_waiting";
const WAITED: &str = "reen_mongo_checkout_seconds";
const FAILED: &str = "reen_mongo_checkout_failures_total";
const CLEARED: &str = "reen_mongo_pool_cleared_total";

/// Measures the pools of a client.
pub(crate) fn measured() -> EventHandler<CmapEvent> {
    describe();
    let pool = Pool {
        open: gauge!(OPEN),
        in_use: gauge!(IN_USE),
        waiting: gauge!(WAITING),
        waited: histogram!(WAITED),
        failed: counter!(FAILED),
        cleared: counter!(CLEARED),
    };
    EventHandler::callback(move |event| pool.note(&event))
}

fn describe() {
    metrics::describe_gauge!(OPEN, "Connections to MongoDB.");
    metrics::describe_gauge!(
        IN_USE,
        "Connections to MongoDB over which something is asked."
    );
    metrics::describe_gauge!(WAITING, "Operations that wait for a connection to MongoDB.");
    metrics::describe_histogram!(WAITED, "How long an operation waited for its connection.");
    metrics::describe_counter!(FAILED, "Operations that got no connection.");
    metrics::describe_counter!(
        CLEARED,
        "How often a pool was given up, because its server was away."
    );
}

struct Pool {
    open: Gauge,
    in_use: Gauge,
    waiting: Gauge,
    waited: Histogram,
    failed: Counter,
    cleared: Counter,
}

impl Pool {
    fn note(&self, event: &CmapEvent) {
        match event {
            CmapEvent::ConnectionCreated(_) => self.open.increment(1),
            CmapEvent::ConnectionClosed(_) => self.open.decrement(1),
            CmapEvent::ConnectionCheckoutStarted(_) => self.waiting.increment(1),
            CmapEvent::ConnectionCheckoutFailed(_) => {
                self.waiting.decrement(1);
                self.failed.increment(1);
            }
            CmapEvent::ConnectionCheckedOut(checked_out) => {
                self.waiting.decrement(1);
                self.waited.record(checked_out.duration);
                self.in_use.increment(1);
            }
            CmapEvent::ConnectionCheckedIn(_) => self.in_use.decrement(1),
            CmapEvent::PoolCleared(_) => self.cleared.increment(1),
            _ => {}
        }
    }
}
