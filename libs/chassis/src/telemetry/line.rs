//! How an event becomes a line: as JSON, or readable. Either says of itself for which request it is and in
//! which trace: nobody has to hand that down.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::LogFormat;
use crate::context::CallContext;

const MESSAGE: &str = "message";
/// What the `log` crate's events carry besides.
const OF_LOG: &str = "log.";

impl<S, N> FormatEvent<S, N> for LogFormat
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        match self {
            Self::Json => write_json(writer, event),
            Self::Pretty => write_readable(writer, event),
        }
    }
}

fn write_json(mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
    let metadata = event.metadata();
    writer.write_str(r#"{"timestamp":""#)?;
    SystemTime.format_time(&mut writer)?;
    writer.write_str(r#"","level":""#)?;
    writer.write_str(metadata.level().as_str())?;
    writer.write_str(r#"","target":""#)?;
    writer.write_str(metadata.target())?;
    writer.write_char('"')?;
    let mut fields = Json::to(&mut writer);
    event.record(&mut fields);
    tell_context(&mut fields);
    fields.written?;
    writer.write_str("}\n")
}

fn write_readable(mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
    SystemTime.format_time(&mut writer)?;
    let level = *event.metadata().level();
    if writer.has_ansi_escapes() {
        write!(writer, " \u{1b}[{}m{level:>5}\u{1b}[0m", colour(level))?;
    } else {
        write!(writer, " {level:>5}")?;
    }
    let mut fields = Readable::to(&mut writer);
    event.record(&mut fields);
    tell_context(&mut fields);
    fields.written?;
    writer.write_char('\n')
}

/// As ANSI's "Select Graphic Rendition" counts them.
fn colour(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

/// What a line says beyond its event.
fn tell_context(fields: &mut impl Fields) {
    CallContext::look(|context| {
        if let Some(request_id) = &context.request_id {
            fields.text("request_id", request_id);
        }
        if let Some(place) = context.place {
            fields.plain("trace_id", format_args!("{}", place.trace_id()));
            fields.plain("span_id", format_args!("{}", place.span_id()));
        }
    });
}

trait Fields {
    fn text(&mut self, name: &str, value: &str);
    /// A value that needs no escapes.
    fn plain(&mut self, name: &str, value: fmt::Arguments<'_>);
}

/// Writes `,"name":value` for each field.
struct Json<'line, 'writer> {
    writer: &'line mut Writer<'writer>,
    written: fmt::Result,
}

impl<'line, 'writer> Json<'line, 'writer> {
    fn to(writer: &'line mut Writer<'writer>) -> Self {
        Self {
            writer,
            written: Ok(()),
        }
    }

    /// `write` writes the value, which stands between `quote`s.
    fn field(
        &mut self,
        name: &str,
        quote: &str,
        write: impl FnOnce(&mut Escaping<'_, 'writer>) -> fmt::Result,
    ) {
        if self.written.is_err() || name.starts_with(OF_LOG) {
            return;
        }
        self.written = (|| {
            write!(self.writer, r#","{name}":{quote}"#)?;
            write(&mut Escaping {
                writer: self.writer,
                quotes: true,
            })?;
            self.writer.write_str(quote)
        })();
    }
}

impl Fields for Json<'_, '_> {
    fn text(&mut self, name: &str, value: &str) {
        self.field(name, "\"", |escaping| escaping.write_str(value));
    }

    fn plain(&mut self, name: &str, value: fmt::Arguments<'_>) {
        self.field(name, "\"", |escaping| escaping.writer.write_fmt(value));
    }
}

impl Visit for Json<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.field(field.name(), "", |line| write!(line, "{value}"));
        } else {
            self.field(field.name(), "", |line| line.write_str("null"));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.field(field.name(), "", |line| write!(line, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field.name(), "", |line| write!(line, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.field(field.name(), "", |line| write!(line, "{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field.name(), value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field.name(), "\"", |line| write!(line, "{value:?}"));
    }
}

/// Writes the message, and ` name=value` for each other field.
struct Readable<'line, 'writer> {
    writer: &'line mut Writer<'writer>,
    written: fmt::Result,
}

impl<'line, 'writer> Readable<'line, 'writer> {
    fn to(writer: &'line mut Writer<'writer>) -> Self {
        Self {
            writer,
            written: Ok(()),
        }
    }

    fn field(&mut self, name: &str, value: fmt::Arguments<'_>) {
        if self.written.is_err() || name.starts_with(OF_LOG) {
            return;
        }
        self.written = (|| {
            self.writer.write_char(' ')?;
            if name != MESSAGE {
                write!(self.writer, "{name}=")?;
            }
            let quotes = false;
            let writer = &mut *self.writer;
            Escaping { writer, quotes }.write_fmt(value)
        })();
    }
}

impl Fields for Readable<'_, '_> {
    fn text(&mut self, name: &str, value: &str) {
        self.field(name, format_args!("{value}"));
    }

    fn plain(&mut self, name: &str, value: fmt::Arguments<'_>) {
        self.field(name, value);
    }
}

impl Visit for Readable<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field.name(), format_args!("{value:?}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field.name(), format_args!("{value:?}"));
    }
}

/// Writes text so that it can end neither its line nor, if `quotes`, its JSON string.
struct Escaping<'line, 'writer> {
    writer: &'line mut Writer<'writer>,
    quotes: bool,
}

impl Escaping<'_, '_> {
    fn must_escape(&self, byte: u8) -> bool {
        byte < b' ' || byte == 0x7f || self.quotes && matches!(byte, b'"' | b'\\')
    }
}

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| self.must_escape(byte)) {
            let (before, from) = rest.split_at(at);
            self.writer.write_str(before)?;
            let (escaped, after) = from.split_at(1);
            match escaped {
                "\n" => self.writer.write_str("\\n")?,
                "\"" => self.writer.write_str("\\\"")?,
                "\\" => self.writer.write_str("\\\\")?,
                other => {
                    for byte in other.bytes() {
                        write!(self.writer, "\\u{byte:04x}")?;
                    }
                }
            }
            rest = after;
        }
        self.writer.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::LogFormat;
    use crate::context::CallContext;
    use crate::telemetry::kept::Kept;

    async fn logged(format: LogFormat, log: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(format)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        let context = CallContext {
            request_id: Some("request-1".into()),
            ..CallContext::default()
        };
        context
            .scope(async { tracing::subscriber::with_default(subscriber, log) })
            .await;
        kept.text()
    }

    #[tokio::test]
    async fn a_line_of_json_keeps_types_and_escapes_text() {
        let line = logged(LogFormat::Json, || {
            let nasty = "a \"quoted\"\nline \\ \u{1}\u{1f600}";
            tracing::warn!(status = 200_u16, ok = true, ratio = 0.5, nasty, shown = %nasty, "answered");
        })
        .await;
        let mut line: Value = serde_json::from_str(&line).unwrap();
        let timestamp = line["timestamp"].take();
        assert!(timestamp.as_str().unwrap().ends_with('Z'));
        let nasty = "a \"quoted\"\nline \\ \u{1}\u{1f600}";
        let expected = json!({
            "timestamp": null,
            "level": "WARN",
            "target": "reen_chassis::telemetry::line::tests",
            "message": "answered",
            "status": 200,
            "ok": true,
            "ratio": 0.5,
            "nasty": nasty,
            "shown": nasty,
            "request_id": "request-1",
        });
        assert_eq!(line, expected);
    }

    #[tokio::test]
    async fn a_readable_line_is_one_line() {
        let line = logged(LogFormat::Pretty, || {
            tracing::info!(route = "/a", why = %"forged\nline", "answered");
        })
        .await;
        let said = " INFO answered route=\"/a\" why=forged\\nline request_id=request-1\n";
        assert!(line.ends_with(said), "{line}");
    }
}
