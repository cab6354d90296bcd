use std::borrow::Cow;

use futures::future::Either;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, Status, TraceContextExt as _, Tracer as _,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::Span as Recording;

use super::Place;
use super::export::tracer;
use crate::context::CallContext;

pub use opentelemetry::trace::SpanKind;

/// Something that takes time, as a trace shows it; it ends when it is dropped.
///
/// None is made of anything while no exporter is set or the trace is not sampled: whoever has a span then
/// has an empty one, and its name is never put together.
#[derive(Debug, Default)]
#[must_use = "it ends when it is dropped"]
pub struct Span {
    place: Option<Place>,
    recording: Option<Box<Recording>>,
}

impl Span {
    /// Begins a trace of its own. `link`: a trace of somebody else that led to this one, whom nothing here
    /// obeys.
    pub fn root(
        kind: SpanKind,
        name: impl FnOnce() -> Cow<'static, str>,
        link: Option<Place>,
    ) -> Self {
        if !super::is_on() {
            return Self::default();
        }
        let mut builder = SpanBuilder::from_name(name()).with_kind(kind);
        if let Some(link) = link {
            builder = builder.with_links(vec![Link::new(link.context(), Vec::new(), 0)]);
        }
        Self::begin(builder, &Context::new())
    }

    /// Goes on with the trace that another of our processes began at `from`; without one, begins one.
    pub fn after(
        from: Option<Place>,
        kind: SpanKind,
        name: impl FnOnce() -> Cow<'static, str>,
    ) -> Self {
        match from {
            None => Self::root(kind, name, None),
            Some(from) => Self::below(from, kind, name),
        }
    }

    /// A part of what the current [`CallContext`] is about; an empty one when that is in no trace.
    pub fn child(kind: SpanKind, name: impl FnOnce() -> Cow<'static, str>) -> Self {
        if !super::is_on() {
            return Self::default();
        }
        match CallContext::look(|context| context.place) {
            Some(place) => Self::below(place, kind, name),
            None => Self::default(),
        }
    }

    /// Asking a party outside the mesh.
    fn outgoing(party: &'static str, what: &'static str) -> Self {
        let mut span = Self::child(SpanKind::Client, || format!("{party}: {what}").into());
        span.set("peer.service", party);
        span
    }

    fn below(place: Place, kind: SpanKind, name: impl FnOnce() -> Cow<'static, str>) -> Self {
        if !place.is_sampled() || !super::is_on() {
            let recording = None;
            let place = super::is_on().then_some(place);
            return Self { place, recording };
        }
        let builder = SpanBuilder::from_name(name()).with_kind(kind);
        let parent = Context::new().with_remote_span_context(place.context());
        Self::begin(builder, &parent)
    }

    fn begin(builder: SpanBuilder, parent: &Context) -> Self {
        let Some(tracer) = tracer() else {
            return Self::default();
        };
        let recording = tracer.build_with_context(builder, parent);
        let place = Place::of(recording.span_context());
        Self {
            place: Some(place),
            recording: place.is_sampled().then(|| Box::new(recording)),
        }
    }

    /// Where it is: for whoever does a part of the same work.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.place
    }

    /// Whether anybody will see what is told to it.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.recording.is_some()
    }

    /// Tells something about it, by the names of OpenTelemetry's semantic conventions: no secrets and
    /// nothing about people.
    pub fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(recording) = &mut self.recording {
            recording.set_attribute(KeyValue::new(key, value));
        }
    }

    /// It failed; `why` is a word of a small set, such as a code.
    pub fn fail(&mut self, why: impl Into<Cow<'static, str>>) {
        if let Some(recording) = &mut self.recording {
            let why = why.into();
            recording.set_attribute(KeyValue::new("error.type", why.clone()));
            recording.set_status(Status::error(why));
        }
    }

    /// Does `work` as what this span is about: what it asks of others is a part of it.
    pub fn scope<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        if self.place.is_none() {
            return Either::Left(work);
        }
        let context = CallContext {
            place: self.place,
            ..CallContext::current()
        };
        Either::Right(context.scope(work))
    }
}

/// Shows a call of a party outside the mesh, such as Stripe, in the trace that it is made for. Nothing of
/// ours travels there.
///
/// # Errors
/// Those of the call.
pub async fn outgoing<T, E>(
    party: &'static str,
    what: &'static str,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut span = Span::outgoing(party, what);
    let outcome = call.await;
    if outcome.is_err() {
        // As OpenTelemetry calls what has no word.
        span.fail("_OTHER");
    }
    outcome
}
