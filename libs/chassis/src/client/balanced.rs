//! Calls to a peer, wherever its replicas are.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use tokio_util::sync::DropGuard;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use reen_error::{Code, Failure};

use super::exchange::{Answer, Broken, Outgoing, is_unavailable};
use super::keeper::Keeper;
use super::methods::may_repeat;
use super::pool::Pool;
use super::replica::Line;
use crate::server::deadline;

/// However many replicas go away at the same moment, a call is not passed on more often.
const MOST_PASSED_ON: u32 = 5;

/// Sends each call to one of the replicas of a peer, and again where that does no harm. For calls of one
/// message and one answer: both are sent and read whole.
#[derive(Clone)]
pub struct Balanced {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Arc<Pool>,
    begun: Once,
    keeper: Mutex<Option<Keeper>>,
    _stop: DropGuard,
}

impl std::fmt::Debug for Balanced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Balanced").finish_non_exhaustive()
    }
}

impl Balanced {
    /// Nothing is done before the first call: there may be no runtime yet.
    pub(super) fn new(keeper: Keeper) -> Self {
        let stop = keeper.stop.clone().drop_guard();
        let shared = Shared {
            pool: keeper.pool.clone(),
            begun: Once::new(),
            keeper: Mutex::new(Some(keeper)),
            _stop: stop,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    fn pool(&self) -> Arc<Pool> {
        self.shared.begun.call_once(|| {
            let keeper = self.shared.keeper.lock();
            let keeper = keeper.unwrap_or_else(PoisonError::into_inner).take();
            if let Some(keeper) = keeper {
                tokio::spawn(keeper.run());
            }
        });
        self.shared.pool.clone()
    }
}

impl Service<Request<Body>> for Balanced {
    type Response = Response<Answer>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Answer>, Status>>;

    /// Always: which replica is asked is decided when there is something to ask.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(ask_in_time(self.pool(), request))
    }
}

async fn ask_in_time(pool: Arc<Pool>, request: Request<Body>) -> Result<Response<Answer>, Status> {
    let outgoing = Outgoing::read(request).await?;
    let asking = ask(&pool, &outgoing);
    match deadline(&outgoing.headers) {
        Some(deadline) => tokio::time::timeout_at(deadline.into(), asking)
            .await
            .unwrap_or_else(|_| Err(late())),
        None => asking.await,
    }
}

fn late() -> Status {
    Failure::new(Code::DeadlineExceeded, Code::DeadlineExceeded.title()).into()
}

async fn ask(pool: &Arc<Pool>, outgoing: &Outgoing) -> Result<Response<Answer>, Status> {
    pool.budget.earn();
    let mut tries = Tries::default();
    loop {
        let line = pool.line(tries.avoid).await?;
        let outcome = line.ask(outgoing).await;
        note(pool, &line, &outcome);
        let asked = line.replica.address;
        tries.avoid = Some(asked);
        if !tries.again(pool, outgoing, asked, &outcome) {
            return outcome.map_err(Status::from);
        }
    }
}

/// Remembers of the replica how it answered.
fn note(pool: &Arc<Pool>, line: &Arc<Line>, outcome: &Result<Response<Answer>, Broken>) {
    match outcome {
        Ok(answer) if !is_unavailable(answer) => line.replica.succeeded(),
        Ok(_) => pool.failed(&line.replica),
        Err(broken) => {
            if broken.ends_the_connection() {
                pool.lost(line);
            }
            if let Broken::Cut(_) = broken {
                pool.failed(&line.replica);
            }
        }
    }
}

/// What was tried for one call.
#[derive(Default)]
struct Tries {
    avoid: Option<SocketAddr>,
    passed_on: u32,
    repeated: bool,
}

impl Tries {
    /// Whether the call is to be sent again after this outcome at the replica `asked`.
    fn again(
        &mut self,
        pool: &Pool,
        outgoing: &Outgoing,
        asked: SocketAddr,
        outcome: &Result<Response<Answer>, Broken>,
    ) -> bool {
        match outcome {
            Ok(answer) if !is_unavailable(answer) => false,
            Ok(_) => pool.has_other(asked) && self.repeat(pool, outgoing),
            Err(Broken::Unsent(_)) => self.pass_on(pool),
            Err(Broken::Cut(_)) => self.repeat(pool, outgoing),
        }
    }

    /// Nobody has begun it: it may be sent again whatever it does.
    fn pass_on(&mut self, pool: &Pool) -> bool {
        self.passed_on += 1;
        pool.measures.unsent.increment(1);
        self.passed_on <= MOST_PASSED_ON
    }

    /// It may have been executed.
    fn repeat(&mut self, pool: &Pool, outgoing: &Outgoing) -> bool {
        if self.repeated || !may_repeat(outgoing.method.path(), &outgoing.headers) {
            return false;
        }
        self.repeated = pool.budget.spend();
        let measured = if self.repeated {
            &pool.measures.repeated
        } else {
            &pool.measures.unaffordable
        };
        measured.increment(1);
        self.repeated
    }
}
