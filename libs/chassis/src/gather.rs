//! Public reads of several requests in one call: whatever is asked for while a call is under way is
//! asked for together in the next one.
//!
//! One request to an idle process is asked for at once, alone. Under load one call and one search in the
//! database serve many requests. Nothing is remembered: an answer was read after its request had come.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reen_error::{Code, Failure};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::CallContext;

/// A call that takes longer does not hold up those who came after it.
const SLOW: Duration = Duration::from_millis(5);
/// Calls of one kind that are under way at the same time, however slow they are.
const LANES: usize = 16;
const MOST_TOGETHER: usize = 64;
/// Whoever comes after these waits for a place.
const MOST_WAITING: usize = 4_096;

/// What can be asked for many at a time, and is the same for everybody.
pub trait Source: Send + Sync + 'static {
    /// One of it.
    type Found: Send + Sync + 'static;
    /// Why it cannot be had; everybody who waited is told.
    type Error: From<Failure> + Clone + Send + Sync + 'static;

    /// What there is of `ids`, by id.
    ///
    /// # Errors
    /// Its own.
    fn find(
        &self,
        ids: BTreeSet<String>,
    ) -> impl Future<Output = Result<HashMap<String, Self::Found>, Self::Error>> + Send;
}

type Finds<S> = Result<Arc<HashMap<String, <S as Source>::Found>>, <S as Source>::Error>;

/// Asks a source on behalf of everybody.
pub struct Gather<S: Source> {
    queue: mpsc::Sender<Ask<S>>,
}

struct Ask<S: Source> {
    ids: BTreeSet<String>,
    context: CallContext,
    asker: oneshot::Sender<Finds<S>>,
}

impl<S: Source> Gather<S> {
    /// Begins to take questions; ends when it is dropped and the last one is answered.
    pub fn from(source: S) -> Self {
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        tokio::spawn(serve(Arc::new(source), waiting));
        Self { queue }
    }

    /// What there is of `ids`, by id, and perhaps of others too. No call when there is nothing to ask for.
    ///
    /// # Errors
    /// Those of the source; `internal` when it panicked.
    pub async fn find(&self, ids: BTreeSet<String>) -> Finds<S> {
        if ids.is_empty() {
            return Ok(Arc::default());
        }
        let (asker, answer) = oneshot::channel();
        let context = CallContext::current();
        let ask = Ask {
            ids,
            context,
            asker,
        };
        if self.queue.send(ask).await.is_err() {
            return Err(failure(Code::Unavailable).into());
        }
        answer.await.map_err(|_gone| failure(Code::Internal))?
    }
}

async fn serve<S: Source>(source: Arc<S>, mut waiting: mpsc::Receiver<Ask<S>>) {
    let lanes = Arc::new(Semaphore::new(LANES));
    loop {
        let mut asks = Vec::new();
        if waiting.recv_many(&mut asks, MOST_TOGETHER).await == 0 {
            return;
        }
        // Whoever is about to ask does so before this goes on.
        yield_now().await;
        while asks.len() < MOST_TOGETHER
            && let Ok(ask) = waiting.try_recv()
        {
            asks.push(ask);
        }
        let Ok(lane) = Arc::clone(&lanes).acquire_owned().await else {
            return;
        };
        let answering = tokio::spawn(answer(Arc::clone(&source), asks, lane));
        let _answered_or_slow = timeout(SLOW, answering).await;
    }
}

/// A panic ends these questions, and not all that come.
async fn answer<S: Source>(source: Arc<S>, mut asks: Vec<Ask<S>>, _lane: OwnedSemaphorePermit) {
    asks.retain(|ask| !ask.asker.is_closed());
    let Some(context) = context_of(&asks) else {
        return;
    };
    let (ids, askers): (Vec<_>, Vec<_>) = asks.into_iter().map(|ask| (ask.ids, ask.asker)).unzip();
    let finding = source.find(ids.into_iter().flatten().collect());
    let found = context.scope(finding).await.map(Arc::new);
    for asker in askers {
        // Whoever has stopped waiting does not hear it.
        let _unheard = asker.send(found.clone());
    }
}

/// On behalf of nobody, and for as long as one of them waits. One alone is followed under its own id;
/// `None` when there is nobody.
fn context_of<S: Source>(asks: &[Ask<S>]) -> Option<CallContext> {
    let (first, others) = asks.split_first()?;
    let alone = CallContext {
        user: None,
        idempotency: None,
        ..first.context.clone()
    };
    if others.is_empty() {
        return Some(alone);
    }
    let deadlines: Option<Vec<Instant>> = asks.iter().map(|ask| ask.context.deadline).collect();
    Some(CallContext {
        deadline: deadlines.and_then(|all| all.into_iter().max()),
        ..CallContext::default()
    })
}

fn failure(code: Code) -> Failure {
    Failure::new(code, code.title())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::future::join_all;

    use super::*;

    /// How many ids were asked for, and on behalf of whom.
    type Call = (usize, Option<Arc<str>>);

    /// Answers each id with its length, when it is let; an id that says so panics or fails.
    #[derive(Clone)]
    struct Lengths {
        open: Arc<Semaphore>,
        asked: Arc<Mutex<Vec<Call>>>,
    }

    impl Lengths {
        fn closed() -> Self {
            Self {
                open: Arc::new(Semaphore::new(0)),
                asked: Arc::default(),
            }
        }

        fn calls(&self) -> Vec<Call> {
            self.asked.lock().unwrap().clone()
        }
    }

    impl Source for Lengths {
        type Found = usize;
        type Error = Failure;

        async fn find(&self, ids: BTreeSet<String>) -> Result<HashMap<String, usize>, Failure> {
            let user = CallContext::current().user;
            self.asked.lock().unwrap().push((ids.len(), user));
            drop(self.open.acquire().await.unwrap());
            assert!(!ids.contains("panic"), "of this test");
            if ids.contains("fail") {
                return Err(failure(Code::Unavailable));
            }
            Ok(ids.into_iter().map(|id| (id.clone(), id.len())).collect())
        }
    }

    fn ids(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[tokio::test]
    async fn who_waits_is_asked_for_together() {
        let lengths = Lengths::closed();
        let gather = Gather::from(lengths.clone());
        let names: Vec<String> = (0..32).map(|number| format!("id-{number}")).collect();
        let asking = join_all(names.iter().map(|name| gather.find(ids(&[name]))));
        let opening = async {
            while lengths.calls().is_empty() {
                tokio::task::yield_now().await;
            }
            lengths.open.add_permits(1);
        };
        let (found, ()) = tokio::join!(asking, opening);
        for (name, found) in names.iter().zip(found) {
            assert_eq!(found.unwrap().get(name), Some(&name.len()));
        }
        assert!(lengths.calls().len() <= 2, "{:?}", lengths.calls());
    }

    #[tokio::test]
    async fn it_is_asked_on_behalf_of_nobody() {
        let lengths = Lengths::closed();
        lengths.open.add_permits(1);
        let gather = Gather::from(lengths.clone());
        let context = CallContext {
            user: Some("ada".into()),
            ..CallContext::default()
        };
        context.scope(gather.find(ids(&["a"]))).await.unwrap();
        assert_eq!(lengths.calls(), [(1, None)]);
    }

    #[tokio::test]
    async fn nothing_is_not_asked_for() {
        let lengths = Lengths::closed();
        let gather = Gather::from(lengths.clone());
        assert!(gather.find(BTreeSet::new()).await.unwrap().is_empty());
        assert!(lengths.calls().is_empty());
    }

    #[tokio::test]
    async fn a_failure_is_told_and_the_next_question_answered() {
        let lengths = Lengths::closed();
        lengths.open.add_permits(1);
        let gather = Gather::from(lengths);
        let failed = gather.find(ids(&["fail"])).await.unwrap_err();
        assert_eq!(failed.code, Code::Unavailable);
        let panicked = gather.find(ids(&["panic"])).await.unwrap_err();
        assert_eq!(panicked.code, Code::Internal);
        assert_eq!(gather.find(ids(&["abc"])).await.unwrap()["abc"], 3);
    }
}
