use std::collections::BTreeMap;
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{self as otlp};

/// A part of a trace, as a process told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The trace, in hexadecimal digits as everything that names a trace or a span.
    pub trace_id: String,
    /// Its own.
    pub id: String,
    /// What it is a part of; `None` when the trace begins with it.
    pub parent: Option<String>,
    /// Traces of others that led to it.
    pub links: Vec<String>,
    /// What is done.
    pub name: String,
    /// Which side of what: `Server`, `Client`, `Producer`, `Consumer`, `Internal`.
    pub kind: &'static str,
    /// Where: the process's `service.name`.
    pub process: String,
    /// Since 1970.
    pub began: Duration,
    /// How long it took.
    pub lasted: Duration,
    /// Whether it failed.
    pub failed: bool,
    /// What else was told of it.
    pub attributes: BTreeMap<String, String>,
}

impl Span {
    /// Whether somebody else is to do it: the process only waits, or has handed it on.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        matches!(self.kind, "Client" | "Producer")
    }

    pub(super) fn read(span: otlp::Span, process: &str) -> Self {
        let began = Duration::from_nanos(span.start_time_unix_nano);
        let ended = Duration::from_nanos(span.end_time_unix_nano);
        let status = span.status.as_ref().map(otlp::Status::code);
        Self {
            kind: kind_of(span.kind()),
            trace_id: hex::encode(&span.trace_id),
            id: hex::encode(&span.span_id),
            parent: (!span.parent_span_id.is_empty()).then(|| hex::encode(&span.parent_span_id)),
            links: span
                .links
                .iter()
                .map(|link| hex::encode(&link.trace_id))
                .collect(),
            name: span.name,
            process: process.to_owned(),
            began,
            lasted: ended.saturating_sub(began),
            failed: status == Some(StatusCode::Error),
            attributes: span.attributes.into_iter().map(read_attribute).collect(),
        }
    }
}

fn kind_of(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Server => "Server",
        SpanKind::Client => "Client",
        SpanKind::Producer => "Producer",
        SpanKind::Consumer => "Consumer",
        SpanKind::Internal | SpanKind::Unspecified => "Internal",
    }
}

/// The `service.name` of whoever exports.
pub(super) fn process_of(resource: Option<&Resource>) -> String {
    let attributes = resource.map_or(&[][..], |resource| &resource.attributes);
    let name = attributes.iter().find(|told| told.key == "service.name");
    name.map(|told| text(told.value.as_ref()))
        .unwrap_or_default()
}

fn read_attribute(told: KeyValue) -> (String, String) {
    let value = text(told.value.as_ref());
    (told.key, value)
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(yes)) => yes.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}
