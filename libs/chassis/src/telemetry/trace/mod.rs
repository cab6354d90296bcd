//! Traces, as OpenTelemetry defines them: what one request or message caused, through every process.
//!
//! A [`Place`] travels in the [`CallContext`](crate::CallContext), and between processes as `traceparent`: in
//! the metadata of calls, in the headers of messages, and with what waits in an outbox. While no exporter is
//! set nothing of this happens.

mod export;
mod place;
pub(crate) mod rpc;
mod span;

use std::str::FromStr;

pub use export::{TraceSettings, export};
pub use opentelemetry_otlp::ExporterBuildError;
pub use place::{NoPlace, Place};
pub use rpc::Traced;
pub use span::{Span, SpanKind, outgoing};

pub(super) use export::flush;

/// The header in which a place travels: <https://www.w3.org/TR/trace-context/>.
pub const TRACEPARENT: &str = "traceparent";

/// Whether spans of this process are exported.
#[must_use]
pub fn is_on() -> bool {
    export::tracer().is_some()
}

/// A share of all, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(f64);

impl Share {
    /// All of them.
    pub const ALL: Self = Self(1.0);
}

impl FromStr for Share {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(Self(share)),
            _ => Err("must be a number from 0 to 1"),
        }
    }
}
