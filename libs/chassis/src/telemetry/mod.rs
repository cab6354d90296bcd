//! What a process tells of itself: logs, metrics, and traces.
//!
//! Every line of the log names by itself the request that it is about, and the trace when there is one.

#[cfg(test)]
mod kept;
mod levels;
mod line;
pub mod trace;
mod writer;

use std::io::IsTerminal as _;
use std::str::FromStr;
use std::sync::OnceLock;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, reload};

use crate::config::Reader;
use crate::metrics;
use trace::{ExporterBuildError, Share, TraceSettings};
use writer::Lines;

pub(crate) use levels::routes;
pub use levels::{ChangeLevels, LevelsError, LevelsReport, read_filter};

/// The log is the process's, as its standard output is.
static LOG: OnceLock<Lines> = OnceLock::new();

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person at a terminal.
    Pretty,
    /// One JSON object for each line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "pretty" => Ok(Self::Pretty),
            "json" => Ok(Self::Json),
            _ => Err("must be `pretty` or `json`"),
        }
    }
}

/// What a process tells, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `LOG_FORMAT`.
    pub format: LogFormat,
    /// `RUST_LOG`.
    pub filter: Filter,
    /// Absent when traces go nowhere.
    pub traces: Option<TraceSettings>,
}

/// A filter of the log that can be read, as it was written.
#[derive(Clone, Debug)]
pub struct Filter(String);

impl FromStr for Filter {
    type Err = LevelsError;

    fn from_str(text: &str) -> Result<Self, LevelsError> {
        read_filter(text).map(|_| Self(text.to_owned()))
    }
}

impl Settings {
    /// Reads them, among other settings of the process.
    pub fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let format = reader.or("LOG_FORMAT", LogFormat::Pretty);
        let filter = reader.or("RUST_LOG", Filter("info".to_owned()));
        let endpoint = reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT");
        let sampled = reader.or("OTEL_TRACES_SAMPLER_ARG", Share::ALL);
        let (endpoint, sampled) = (endpoint?, sampled?);
        Some(Self {
            format: format?,
            filter: filter?,
            traces: endpoint.map(|endpoint| TraceSettings { endpoint, sampled }),
        })
    }

    /// Starts all of it for the process `service`; to be called in its runtime.
    ///
    /// # Errors
    /// When traces cannot be exported to where they are to go.
    pub fn start(&self, service: &str) -> Result<(), ExporterBuildError> {
        init(self.format, &self.filter.0);
        self.traces
            .as_ref()
            .map_or(Ok(()), |traces| trace::export(traces, service))
    }
}

/// Starts logging and metrics; `filter` as in `RUST_LOG`. Does nothing the second time.
pub fn init(format: LogFormat, filter: &str) {
    let (levels, handle) = reload::Layer::new(EnvFilter::new(filter));
    let output = std::io::stdout();
    let colours = format == LogFormat::Pretty && output.is_terminal();
    let Ok(lines) = Lines::to(output) else {
        return;
    };
    let layer = tracing_subscriber::fmt::layer()
        .event_format(format)
        .with_ansi(colours)
        .with_writer(lines.clone());
    let registry = tracing_subscriber::registry().with(levels).with(layer);
    if registry.try_init().is_err() {
        return;
    }
    levels::keep(handle, filter.to_owned());
    let _is_first = LOG.set(lines);
    metrics::install();
}

/// Waits until everything that was told so far has left the process, or cannot. To be called before it ends.
pub async fn flush() {
    trace::flush().await;
    if let Some(lines) = LOG.get() {
        // At most two seconds, when nothing else is left to be done.
        lines.flush();
    }
}
