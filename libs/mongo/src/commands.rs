//! What is asked of MongoDB, as traces show it: which command on which collection, never with what.
//!
//! The driver has spans of its own. They take their parent from a context of a thread, which calls here do
//! not have, and are made of whole commands even when they are not recorded.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use mongodb::error::ErrorKind;
use mongodb::event::EventHandler;
use mongodb::event::command::{
    CommandEvent, CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent,
};
use mongodb::options::ServerAddress;
use reen_chassis::telemetry::trace::{self, Span, SpanKind};

/// More commands than this at a time, and the oldest are not seen to end.
const MOST_UNDER_WAY: usize = 1024;

/// Makes a span of each command that belongs to a trace; `None` while no traces are exported.
pub(crate) fn watch() -> Option<EventHandler<CommandEvent>> {
    if !trace::is_on() {
        return None;
    }
    let under_way = Arc::new(UnderWay::default());
    // The driver calls this in the task that asks, and so in its context.
    Some(EventHandler::callback(move |event| match event {
        CommandEvent::Started(started) => under_way.begin(&started),
        CommandEvent::Succeeded(succeeded) => under_way.end(&succeeded),
        CommandEvent::Failed(failed) => under_way.fail(&failed),
        _ => {}
    }))
}

/// The spans of commands that have not ended, each in the slot of its request id: one whose end is never told,
/// because its asker was dropped, is ended by whatever takes its slot.
struct UnderWay(Vec<Mutex<Option<(i32, Span)>>>);

impl Default for UnderWay {
    fn default() -> Self {
        let slots = std::iter::repeat_with(Mutex::default);
        Self(slots.take(MOST_UNDER_WAY).collect())
    }
}

impl UnderWay {
    fn begin(&self, started: &CommandStartedEvent) {
        let span = span_of(started);
        if span.is_recorded() {
            self.exchange(started.request_id, Some((started.request_id, span)));
        }
    }

    fn end(&self, succeeded: &CommandSucceededEvent) {
        drop(self.take(succeeded.request_id));
    }

    fn fail(&self, failed: &CommandFailedEvent) {
        let Some(mut span) = self.take(failed.request_id) else {
            return;
        };
        match &*failed.failure.kind {
            ErrorKind::Command(refused) => {
                span.set("db.response.status_code", i64::from(refused.code));
                span.fail(refused.code_name.clone());
            }
            _ => span.fail("transport"),
        }
    }

    fn take(&self, request_id: i32) -> Option<Span> {
        let mut slot = self.slot(request_id);
        let (_, span) = slot.take_if(|(begun, _)| *begun == request_id)?;
        Some(span)
    }

    fn exchange(&self, request_id: i32, content: Option<(i32, Span)>) {
        *self.slot(request_id) = content;
    }

    fn slot(&self, request_id: i32) -> std::sync::MutexGuard<'_, Option<(i32, Span)>> {
        let index = usize::try_from(request_id.unsigned_abs()).unwrap_or_default();
        let slot = &self.0[index % MOST_UNDER_WAY];
        slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By the names of <https://opentelemetry.io/docs/specs/semconv/database/mongodb/>.
fn span_of(started: &CommandStartedEvent) -> Span {
    let mut span = Span::child(SpanKind::Client, || name_of(started));
    if !span.is_recorded() {
        return span;
    }
    span.set("db.system.name", "mongodb");
    span.set("db.namespace", started.db.clone());
    span.set("db.operation.name", started.command_name.clone());
    if let Some(collection) = collection_of(started) {
        span.set("db.collection.name", collection.to_owned());
    }
    if let ServerAddress::Tcp { host, port } = &started.connection.address {
        span.set("server.address", host.clone());
        span.set("server.port", i64::from(port.unwrap_or(27017)));
    }
    span
}

fn name_of(started: &CommandStartedEvent) -> Cow<'static, str> {
    match collection_of(started) {
        Some(collection) => format!("{} {collection}", started.command_name).into(),
        None => started.command_name.clone().into(),
    }
}

/// A command names its collection behind its own name, but for `getMore`.
fn collection_of(started: &CommandStartedEvent) -> Option<&str> {
    let named = started.command.get_str(&started.command_name);
    named
        .or_else(|_| started.command.get_str("collection"))
        .ok()
}
