use std::sync::Arc;
use std::time::Instant;

use reen_chassis::CallContext;
use reen_chassis::telemetry::trace::Place;
use tokio::sync::{mpsc, oneshot};

use crate::{Error, TransactionError};

/// A transaction that is longer than this conflicts with everybody else's.
const MOST_TOGETHER: usize = 32;
/// Whoever comes after these waits for a place.
const MOST_WAITING: usize = 1024;

/// Jobs that can be done many at a time.
pub trait Together: Send + Sync + 'static {
    /// What is asked for.
    type Job: Send + Sync + 'static;
    /// What it came to.
    type Answer: Send + 'static;
    /// Why it was not done.
    type Error: TransactionError + Send + 'static;

    /// Does all jobs in one transaction and answers them in their order; or does none of them. It may
    /// take for granted that no job is a repeat or will be refused, as long as it fails when one is.
    fn together(
        &self,
        jobs: &[Self::Job],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Self::Error>> + Send;

    /// Does one job after [`Self::together`] has failed: here repeats are told and refusals explained.
    fn alone(
        &self,
        job: &Self::Job,
    ) -> impl Future<Output = Result<Self::Answer, Self::Error>> + Send;
}

/// Group commit: whatever is asked for while a transaction is at work is done together in the next one.
///
/// One job on an idle service is done at once, alone. Under load one fence, one insert, one update and
/// one commit serve many jobs, and jobs that change the same documents (everybody buys the same
/// product) do not send each other back to the beginning. It is no lock: other replicas have groups of
/// their own, and what is right without it stays right.
pub struct Group<W: Together> {
    queue: mpsc::Sender<Waiting<W>>,
}

struct Waiting<W: Together> {
    job: W::Job,
    deadline: Option<Instant>,
    place: Option<Place>,
    asker: oneshot::Sender<Result<W::Answer, W::Error>>,
}

impl<W: Together> Group<W> {
    /// Starts to take jobs; ends when it is dropped and the last job is answered.
    pub fn start(work: W) -> Self {
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        tokio::spawn(serve(Arc::new(work), waiting));
        Self { queue }
    }

    /// Does a job together with those that are waiting beside it. It is done even if the caller stops
    /// waiting, unless it has not begun by then.
    ///
    /// # Errors
    /// What the job alone would fail with; [`Error::Stopped`] when the work panicked.
    pub async fn submit(&self, job: W::Job) -> Result<W::Answer, W::Error> {
        let (asker, answer) = oneshot::channel();
        let (deadline, place) = CallContext::look(|context| (context.deadline, context.place));
        let waiting = Waiting {
            job,
            deadline,
            place,
            asker,
        };
        if self.queue.send(waiting).await.is_err() {
            return Err(Error::Stopped.into());
        }
        answer.await.unwrap_or_else(|_| Err(Error::Stopped.into()))
    }
}

async fn serve<W: Together>(work: Arc<W>, mut queue: mpsc::Receiver<Waiting<W>>) {
    let mut waiting = Vec::with_capacity(MOST_TOGETHER);
    while queue.recv_many(&mut waiting, MOST_TOGETHER).await > 0 {
        let batch = std::mem::take(&mut waiting);
        let work = Arc::clone(&work);
        // As a task, so that a panic ends this batch and not all that come.
        let context = CallContext {
            deadline: latest_deadline(&batch),
            place: one_sampled(&batch),
            ..CallContext::default()
        };
        let doing = context.scope(async move { do_all(&*work, batch).await });
        if let Err(error) = tokio::spawn(doing).await {
            tracing::error!(%error, "a batch ended before its time");
        }
    }
}

/// The batch may work for as long as one of its askers waits; `None` when one waits for ever.
fn latest_deadline<W: Together>(batch: &[Waiting<W>]) -> Option<Instant> {
    let deadlines: Option<Vec<_>> = batch.iter().map(|waiting| waiting.deadline).collect();
    deadlines?.into_iter().max()
}

/// The trace of one of its askers shows what the batch does: the others' would show the same.
fn one_sampled<W: Together>(batch: &[Waiting<W>]) -> Option<Place> {
    let mut places = batch.iter().filter_map(|waiting| waiting.place);
    places.find(Place::is_sampled)
}

async fn do_all<W: Together>(work: &W, mut batch: Vec<Waiting<W>>) {
    batch.retain(|waiting| !waiting.asker.is_closed());
    if batch.is_empty() {
        return;
    }
    let (jobs, askers): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .map(|waiting| (waiting.job, waiting.asker))
        .unzip();
    match work.together(&jobs).await {
        Ok(answers) => {
            for (asker, answer) in askers.into_iter().zip(answers) {
                answer_to::<W>(asker, Ok(answer));
            }
        }
        Err(failed) => match failed.database() {
            // It would fail for each of them, each after its own patience.
            Some(away @ (Error::Unavailable(_) | Error::TooLate(_))) => {
                for asker in askers {
                    answer_to::<W>(asker, Err(away.clone().into()));
                }
            }
            _ => one_by_one(work, &jobs, askers).await,
        },
    }
}

async fn one_by_one<W: Together>(
    work: &W,
    jobs: &[W::Job],
    askers: Vec<oneshot::Sender<Result<W::Answer, W::Error>>>,
) {
    for (job, asker) in jobs.iter().zip(askers) {
        if !asker.is_closed() {
            answer_to::<W>(asker, work.alone(job).await);
        }
    }
}

fn answer_to<W: Together>(
    asker: oneshot::Sender<Result<W::Answer, W::Error>>,
    answer: Result<W::Answer, W::Error>,
) {
    // Whoever has stopped waiting asks again with the same operation.
    let _unheard = asker.send(answer);
}
