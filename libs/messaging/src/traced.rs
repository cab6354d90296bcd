//! Messages as traces show them: sent and worked on. Where a message belongs travels with it in a header,
//! and waits with it in an outbox.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, LongString};
use reen_chassis::telemetry::trace::{Place, Span, SpanKind, TRACEPARENT};

use crate::{Message, Queue, Verdict};

/// A message on its way to a queue; an empty one when it belongs to no trace.
pub(crate) fn sending(message: &Message, queue: &Queue) -> Span {
    let Some(place) = message.place else {
        return Span::default();
    };
    let name = || format!("send {}", queue.name).into();
    let mut span = Span::after(Some(place), SpanKind::Producer, name);
    describe(&mut span, "send", message, queue);
    span
}

/// A message that is being worked on.
pub(crate) fn processing(message: &Message, queue: &Queue) -> Span {
    let name = || format!("process {}", queue.name).into();
    let mut span = Span::after(message.place, SpanKind::Consumer, name);
    describe(&mut span, "process", message, queue);
    span
}

/// By the names of <https://opentelemetry.io/docs/specs/semconv/messaging/rabbitmq/>.
fn describe(span: &mut Span, operation: &'static str, message: &Message, queue: &Queue) {
    if !span.is_recorded() {
        return;
    }
    span.set("messaging.system", "rabbitmq");
    span.set("messaging.operation.name", operation);
    span.set("messaging.operation.type", operation);
    span.set("messaging.destination.name", queue.name);
    span.set("messaging.message.id", message.id.clone());
    span.set("reen.message.kind", message.kind.clone());
    span.set("reen.message.attempt", i64::from(message.attempt));
}

/// What became of a message.
pub(crate) fn settled(span: &mut Span, verdict: &Verdict) {
    match verdict {
        Verdict::Done => {}
        Verdict::Later(_) => span.fail("later"),
        Verdict::Dead(_) => span.fail("dead"),
    }
}

/// The properties of a message that whoever works on it finds `place` in.
pub(crate) fn carrying(properties: BasicProperties, place: Option<Place>) -> BasicProperties {
    let Some(place) = place else {
        return properties;
    };
    let mut headers = properties.headers().clone().unwrap_or_default();
    let place = AMQPValue::LongString(LongString::from(place.to_string()));
    headers.insert(TRACEPARENT.into(), place);
    properties.with_headers(headers)
}
