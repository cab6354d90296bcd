use std::fmt;
use std::str::FromStr;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

const VERSION: &str = "00";

/// A place in a trace: what travels to whoever does a part of the same work.
///
/// Written and read as W3C's `traceparent` (Trace Context, level 1). What others add to it in `tracestate`
/// does not travel: nothing here needs it, and strangers could send anything in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    trace_id: TraceId,
    span_id: SpanId,
    is_sampled: bool,
}

/// It is no `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent")]
pub struct NoPlace;

impl Place {
    /// The trace, the same in every process that it passes.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The work within it that is going on.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Whether the trace is recorded: decided where it began, and the same for all of it.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.is_sampled
    }

    pub(super) fn of(context: &SpanContext) -> Self {
        Self {
            trace_id: context.trace_id(),
            span_id: context.span_id(),
            is_sampled: context.is_sampled(),
        }
    }

    pub(super) fn context(&self) -> SpanContext {
        let flags = TraceFlags::default().with_sampled(self.is_sampled);
        SpanContext::new(
            self.trace_id,
            self.span_id,
            flags,
            true,
            TraceState::default(),
        )
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.is_sampled);
        let (trace_id, span_id) = (self.trace_id, self.span_id);
        write!(formatter, "{VERSION}-{trace_id}-{span_id}-{flags:02x}")
    }
}

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let mut parts = text.split('-');
        let mut part = |digits| parts.next().filter(|part| is_hex(part, digits));
        let (version, trace, span, flags) = (part(2), part(32), part(16), part(2));
        let known = version == Some(VERSION) && parts.next().is_none();
        // A later version may say more behind what this one says; `ff` is none.
        let later = version.is_some_and(|version| version != VERSION && version != "ff");
        let (Some(trace), Some(span), Some(flags), true) = (trace, span, flags, known || later)
        else {
            return Err(NoPlace);
        };
        let place = Self {
            trace_id: TraceId::from_hex(trace).map_err(|_| NoPlace)?,
            span_id: SpanId::from_hex(span).map_err(|_| NoPlace)?,
            is_sampled: u8::from_str_radix(flags, 16).map_err(|_| NoPlace)? & 1 == 1,
        };
        if place.trace_id == TraceId::INVALID || place.span_id == SpanId::INVALID {
            return Err(NoPlace);
        }
        Ok(place)
    }
}

fn is_hex(part: &str, digits: usize) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    part.len() == digits && part.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::Place;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for text in [GOOD, &GOOD.replace("-01", "-00")] {
            let place: Place = text.parse().unwrap();
            assert_eq!(place.to_string(), text);
        }
        let place: Place = GOOD.parse().unwrap();
        assert!(place.is_sampled());
    }

    #[test]
    fn a_later_version_may_say_more() {
        let later = format!("{}-what-else", GOOD.replacen("00", "cc", 1));
        assert!(later.parse::<Place>().unwrap().is_sampled());
    }

    #[test]
    fn what_the_standard_forbids_is_no_place() {
        for forbidden in [
            "",
            "00",
            &GOOD.to_uppercase(),
            &GOOD.replacen("00", "ff", 1),
            &format!("{GOOD}-more"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &GOOD.replace("0e4736", "0e473"),
            &GOOD.replace("-01", "-1"),
            &GOOD.replace("4bf", "+bf"),
        ] {
            assert!(forbidden.parse::<Place>().is_err(), "{forbidden}");
        }
    }
}
