//! Keeps a connection to every replica of a peer, in the background.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::Rng as _;
use tokio::task::JoinError;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::connection::{Connected, Connector};
use super::pool::Pool;
use super::replica::{Line, Replica};
use super::resolve::Places;

/// How often names are looked up: a replica that is new is given calls after so long at the latest.
const LOOK_UP_EVERY: Duration = Duration::from_secs(5);
/// However many calls wait, the name server is not asked more often.
const LOOK_UP_AT_MOST_EVERY: Duration = Duration::from_millis(200);
/// How often each replica is asked whether it serves, which also keeps the connection alive.
const CHECK_EVERY: Duration = Duration::from_secs(2);
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// So many checks without an answer, and the connection is given up.
const MISSED_CHECKS: u32 = 3;
/// A connection that lasted so long was a good one: the next may be tried at once.
const STEADY: Duration = Duration::from_secs(1);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Finds the replicas of a peer and keeps a connection to each, until it is stopped.
pub(super) struct Keeper {
    pub(super) pool: Arc<Pool>,
    pub(super) places: Places,
    pub(super) connector: Connector,
    pub(super) stop: CancellationToken,
}

impl Keeper {
    pub(super) async fn run(mut self) {
        let stop = self.stop.clone();
        stop.run_until_cancelled(self.keep_looking()).await;
    }

    async fn keep_looking(&mut self) -> Infallible {
        loop {
            match self.places.look_up().await {
                Ok(found) => {
                    for replica in self.pool.replace(found, &self.stop) {
                        let keeping = keep(self.pool.clone(), self.connector.clone(), replica);
                        tokio::spawn(keeping);
                    }
                }
                Err(problem) => self.pool.not_found(problem),
            }
            self.wait().await;
        }
    }

    async fn wait(&self) {
        if !self.places.may_move() {
            return std::future::pending().await;
        }
        sleep(LOOK_UP_AT_MOST_EVERY).await;
        // Whether it is time or somebody asks, the same is done.
        let _time_or_asked = timeout(LOOK_UP_EVERY, self.pool.look_again.notified()).await;
    }
}

async fn keep(pool: Arc<Pool>, connector: Connector, replica: Arc<Replica>) {
    let gone = replica.gone.clone();
    gone.run_until_cancelled(keep_connected(pool, connector, replica))
        .await;
}

async fn keep_connected(
    pool: Arc<Pool>,
    connector: Connector,
    replica: Arc<Replica>,
) -> Infallible {
    let mut pause = FIRST_PAUSE;
    loop {
        pool.connecting(&replica);
        let began = Instant::now();
        match connector.connect(replica.address, &replica.origin).await {
            Ok(connected) => {
                let end = attend(&pool, &replica, connected).await;
                tracing::debug!(address = %replica.address, end, "a connection ended");
                if began.elapsed() >= STEADY {
                    pause = FIRST_PAUSE;
                    continue;
                }
            }
            Err(error) => pool.unreachable(&replica, &error),
        }
        // The name may stand for somebody else by now.
        pool.look_again.notify_one();
        let _time_or_wanted = timeout(with_jitter(pause), replica.wanted.notified()).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn with_jitter(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.5..1.0))
}

/// Offers a connection to calls until it ends; answers why it did.
async fn attend(pool: &Pool, replica: &Arc<Replica>, connected: Connected) -> String {
    let Connected {
        wire,
        mut driver,
        serves,
    } = connected;
    let line = Arc::new(Line::new(replica.clone(), wire));
    pool.connected(&line, serves);
    let mut missed = 0;
    loop {
        tokio::select! {
            ended = &mut driver => {
                pool.lost(&line);
                return describe(ended);
            }
            () = line.lost.notified() => return "the peer takes no more calls on it".to_owned(),
            () = sleep(CHECK_EVERY) => {}
        }
        match timeout(CHECK_TIMEOUT, line.wire.check()).await {
            Ok(Ok(serves)) => {
                missed = 0;
                pool.serves(replica, serves);
            }
            Ok(Err(status)) => {
                pool.lost(&line);
                return status.message().to_owned();
            }
            Err(_) => {
                missed += 1;
                pool.serves(replica, false);
            }
        }
        if missed == MISSED_CHECKS {
            pool.lost(&line);
            driver.abort();
            return "no answer in time".to_owned();
        }
    }
}

fn describe(ended: Result<Result<(), h2::Error>, JoinError>) -> String {
    match ended {
        Ok(Ok(())) => "closed".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    }
}
