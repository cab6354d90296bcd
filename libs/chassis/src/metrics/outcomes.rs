//! Rate, errors and duration of one kind of operation.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use metrics::{Counter, Histogram, Label};
use pin_project_lite::pin_project;

/// Under which names operations are measured.
#[derive(Debug)]
pub struct Names {
    /// The counter of those that ended, with a label for how.
    pub total: &'static str,
    /// The histogram of how long they took.
    pub seconds: &'static str,
    /// That label.
    pub label: &'static str,
    /// Its values. The last is for what was dropped before it ended, e.g. because the client hung up.
    pub outcomes: &'static [&'static str],
}

/// One kind of operation. Its series are made when it is first seen, and looked up never again: what is
/// measured with every request costs neither a lookup nor an allocation.
#[derive(Debug)]
pub struct Outcomes {
    names: &'static Names,
    labels: Vec<Label>,
    counts: Box<[OnceLock<Counter>]>,
    seconds: OnceLock<Histogram>,
}

impl Outcomes {
    /// An operation that is told apart from others by these labels.
    #[must_use]
    pub fn new(names: &'static Names, labels: Vec<Label>) -> Self {
        Self {
            names,
            labels,
            counts: names.outcomes.iter().map(|_| OnceLock::new()).collect(),
            seconds: OnceLock::new(),
        }
    }

    /// One begins.
    #[must_use]
    pub fn begin(self: Arc<Self>) -> Running {
        Running {
            outcomes: self,
            since: Instant::now(),
            outcome: None,
        }
    }

    fn end(&self, outcome: Option<usize>, since: Instant) {
        let dropped = self.counts.len().saturating_sub(1);
        let outcome = outcome.unwrap_or(dropped).min(dropped);
        if let (Some(count), Some(word)) =
            (self.counts.get(outcome), self.names.outcomes.get(outcome))
        {
            count.get_or_init(|| self.counter(word)).increment(1);
        }
        let seconds = self.seconds.get_or_init(|| {
            let labels = self.labels.clone();
            metrics::histogram!(self.names.seconds, labels)
        });
        seconds.record(since.elapsed());
    }

    fn counter(&self, word: &'static str) -> Counter {
        let mut labels = self.labels.clone();
        labels.push(Label::from_static_parts(self.names.label, word));
        metrics::counter!(self.names.total, labels)
    }
}

/// One operation that is under way; dropped, it has ended.
pub struct Running {
    outcomes: Arc<Outcomes>,
    since: Instant,
    outcome: Option<usize>,
}

impl Running {
    /// It ended like this: an index into [`Names::outcomes`].
    pub fn end(mut self, outcome: usize) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.outcomes.end(self.outcome, self.since);
    }
}

pin_project! {
    /// An operation's future; what it comes to tells how it ended.
    pub struct Measured<F: Future> {
        #[pin]
        work: F,
        running: Option<Running>,
        outcome: fn(&F::Output) -> usize,
    }
}

impl<F: Future> Measured<F> {
    /// Measures `work`, which has begun; `outcome` tells of what it comes to.
    pub fn new(work: F, running: Running, outcome: fn(&F::Output) -> usize) -> Self {
        Self {
            work,
            running: Some(running),
            outcome,
        }
    }
}

impl<F: Future> Future for Measured<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let output = ready!(this.work.poll(cx));
        if let Some(running) = this.running.take() {
            running.end((this.outcome)(&output));
        }
        Poll::Ready(output)
    }
}
