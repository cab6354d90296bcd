//! The connection to Redis, which limits and cache share. Redis is never the only home of anything:
//! whoever asks while it is away is told so at once, and does without.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use metrics::{Counter, counter};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// How long the first connection may take, and how long the line itself waits for an answer.
const CONNECT_PATIENCE: Duration = Duration::from_millis(100);
const FAILURES: &str = "reen_gateway_redis_failures_total";
/// So long Redis is not asked again after it did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// The line to Redis, connected when first used.
#[derive(Clone)]
pub(crate) struct Line(Arc<Connecting>);

struct Connecting {
    client: Client,
    connection: OnceCell<ConnectionManager>,
}

impl Line {
    /// # Errors
    /// When the URL cannot be used.
    pub(crate) fn to(url: &SecretString) -> Result<Self, RedisError> {
        Ok(Self(Arc::new(Connecting {
            client: Client::open(url.expose_secret())?,
            connection: OnceCell::new(),
        })))
    }

    async fn connection(&self) -> Result<ConnectionManager, RedisError> {
        let connect = || {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(CONNECT_PATIENCE))
                .set_response_timeout(Some(CONNECT_PATIENCE));
            ConnectionManager::new_with_config(self.0.client.clone(), config)
        };
        self.0.connection.get_or_try_init(connect).await.cloned()
    }
}

/// Redis, as one of those who use it sees it.
pub(crate) struct Redis {
    line: Line,
    patience: Duration,
    /// What is done without it, for the log.
    without: &'static str,
    failures: Counter,
    /// When it did not answer last.
    away_since: Mutex<Option<Instant>>,
}

impl Redis {
    /// Waits no longer than `patience` for an answer.
    pub(crate) fn new(line: Line, patience: Duration, without: &'static str) -> Self {
        metrics::describe_counter!(
            FAILURES,
            "How often Redis did not answer; after each it is left alone for a second."
        );
        Self {
            line,
            patience,
            without,
            failures: counter!(FAILURES),
            away_since: Mutex::new(None),
        }
    }

    /// What `command` answers; `None` while Redis is away, or too slow.
    pub(crate) async fn ask<T, C, A>(&self, command: C) -> Option<T>
    where
        C: FnOnce(ConnectionManager) -> A,
        A: Future<Output = Result<T, RedisError>>,
    {
        if self.is_away() {
            return None;
        }
        let why = match self.ask_within_patience(command).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer in {:?}", self.patience),
        };
        tracing::warn!(why, "Redis is away: {}", self.without);
        self.failures.increment(1);
        *self.lock() = Some(Instant::now());
        None
    }

    async fn ask_within_patience<T, C, A>(
        &self,
        command: C,
    ) -> Result<Result<T, RedisError>, tokio::time::error::Elapsed>
    where
        C: FnOnce(ConnectionManager) -> A,
        A: Future<Output = Result<T, RedisError>>,
    {
        let connection = match timeout(CONNECT_PATIENCE, self.line.connection()).await? {
            Ok(connection) => connection,
            Err(error) => return Ok(Err(error)),
        };
        timeout(self.patience, command(connection)).await
    }

    fn is_away(&self) -> bool {
        self.lock().is_some_and(|since| since.elapsed() < PAUSE)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.away_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
