use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{RedisError, Script};

use super::{Class, Client, Limit, Outcome};
use crate::redis::{Line, Redis};

/// A request does not wait longer for its count.
const PATIENCE: Duration = Duration::from_millis(100);

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
    redis: Redis,
    cell: Script,
}

impl Shared {
    pub(crate) fn on(line: Line) -> Self {
        Self {
            redis: Redis::new(line, PATIENCE, "each gateway counts for itself"),
            cell: Script::new(CELL),
        }
    }

    /// Counts one request; `None` while Redis is away.
    pub(crate) async fn count(
        &self,
        class: Class,
        client: &Client,
        limit: Limit,
    ) -> Option<Outcome> {
        let counting = |connection| self.count_on(connection, class, client, limit);
        self.redis.ask(counting).await
    }

    async fn count_on(
        &self,
        mut connection: ConnectionManager,
        class: Class,
        client: &Client,
        limit: Limit,
    ) -> Result<Outcome, RedisError> {
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
}
