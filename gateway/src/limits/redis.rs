use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client as RedisClient, RedisError, Script};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OnceCell;

use super::{Class, Client, Limit, Outcome};

/// A request does not wait longer for its count.
const PATIENCE: Duration = Duration::from_millis(100);
/// So long Redis is not asked again after it did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// `KEYS[1]` holds the moment at which everything would be paid off; `ARGV` are the interval of one
/// request in microseconds, and how many may come at once. Answers the remaining ones, the time to full
/// and the time to wait, in microseconds; the last is -1 when there is none.
const CELL: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local paid_off = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local after = paid_off + interval
local wait = after - interval * most - now
if wait > 0 then
  return {0, paid_off - now, wait}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {math.floor(-wait / interval), after - now, -1}
";

/// What all gateways have counted, in Redis.
pub(crate) struct Shared {
    client: RedisClient,
    connection: OnceCell<ConnectionManager>,
    cell: Script,
    /// When it did not answer last.
    away_since: Mutex<Option<Instant>>,
}

impl Shared {
    /// Connects when first used.
    ///
    /// # Errors
    /// When the URL cannot be used.
    pub(crate) fn at(url: &SecretString) -> Result<Self, RedisError> {
        Ok(Self {
            client: RedisClient::open(url.expose_secret())?,
            connection: OnceCell::new(),
            cell: Script::new(CELL),
            away_since: Mutex::new(None),
        })
    }

    /// Counts one request; `None` while Redis is away.
    pub(crate) async fn count(
        &self,
        class: Class,
        client: &Client,
        limit: Limit,
    ) -> Option<Outcome> {
        if self.is_away() {
            return None;
        }
        let counting = tokio::time::timeout(PATIENCE, self.ask(class, client, limit));
        let why = match counting.await {
            Ok(Ok(outcome)) => return Some(outcome),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer in {PATIENCE:?}"),
        };
        tracing::warn!(why, "Redis is away: each gateway counts for itself");
        *self.lock() = Some(Instant::now());
        None
    }

    async fn ask(
        &self,
        class: Class,
        client: &Client,
        limit: Limit,
    ) -> Result<Outcome, RedisError> {
        let connect = || {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(PATIENCE));
            ConnectionManager::new_with_config(self.client.clone(), config)
        };
        let mut connection = self.connection.get_or_try_init(connect).await?.clone();
        let interval = u64::try_from(limit.interval().as_micros()).unwrap_or(u64::MAX);
        let (remaining, reset, wait): (u32, u64, i64) = self
            .cell
            .key(format!("reen:limit:{}:{client}", class.word()))
            .arg(interval)
            .arg(limit.at_once.get())
            .invoke_async(&mut connection)
            .await?;
        Ok(Outcome {
            remaining,
            reset: Duration::from_micros(reset),
            wait: u64::try_from(wait).ok().map(Duration::from_micros),
        })
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
