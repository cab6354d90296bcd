//! What a process measures of itself, told on its admin listener in Prometheus' text format.
//!
//! Here is what all processes have alike. What only one of them has is described beside where it is
//! measured. Names begin with `reen_` and end with their unit. No label holds an id, or anything else that a
//! stranger may choose: what is not known beforehand counts as [`UNKNOWN`].

mod grpc;
mod outcomes;
mod process;
mod sampling;

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

pub use grpc::MeasuredPeer;
pub(crate) use grpc::{PeerLayer, ServerLayer};
pub use outcomes::{Measured, Names, Outcomes, Running};
pub use process::tell_allocations;
pub use sampling::{Sampling, sample};

/// The label of everything that is not known beforehand.
pub const UNKNOWN: &str = "unknown";

/// The recorder of the `metrics` facade is one for each process, and so is its handle.
static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Upper bounds of what is answered while somebody waits, in seconds. Few, because each is a series of
/// every operation; the objectives (0.25 and 1) are among them.
const WAITED_FOR: [f64; 9] = [0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];
/// The same of what goes on by itself: metrics whose names end like this.
const GOES_ON: [f64; 8] = [0.05, 0.25, 1.0, 5.0, 30.0, 60.0, 300.0, 3_600.0];
/// What ends in this goes on by itself.
const GOES_ON_SUFFIX: &str = "saga_seconds";
/// How often what was observed is put into its buckets when nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Begins to measure; before that, nothing is. Does nothing the second time.
///
/// Handles that were taken before measure nothing for good, so this comes before everything else.
pub fn install() {
    if HANDLE.get().is_some() {
        return;
    }
    match recorder() {
        Ok(handle) => {
            if HANDLE.set(handle).is_ok() {
                process::note_start();
                describe();
                keep_up();
            }
        }
        Err(error) => tracing::warn!(%error, "nothing is measured"),
    }
}

fn recorder() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(format!("reen_{GOES_ON_SUFFIX}")), &GOES_ON)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &WAITED_FOR)?
        .install_recorder()
}

fn describe() {
    grpc::describe();
    crate::client::describe_measures();
    sampling::describe();
}

/// What was observed is kept one by one until it is put into its buckets.
fn keep_up() {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    runtime.spawn(async {
        loop {
            tokio::time::sleep(UPKEEP).await;
            if let Some(handle) = HANDLE.get() {
                handle.run_upkeep();
            }
        }
    });
}

/// Everything measured so far; of the process itself what is so at this moment. Empty before [`install`].
#[must_use]
pub fn render() -> String {
    let Some(handle) = HANDLE.get() else {
        return String::new();
    };
    let mut text = handle.render();
    process::tell(&mut text);
    text
}
