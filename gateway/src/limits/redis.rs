use std::time::{Duration, Instant};

use redis::aio::ConnectionManager;
use redis::{RedisError, Script};

use super::bundle::{Bundles, Given};
use super::{Class, Client, Limit, Outcome};
use crate::redis::{Line, Redis};

/// A request does not wait longer for its count.
const PATIENCE: Duration = Duration::from_millis(100);

/// `KEYS[1]` holds the moment at which everything would be paid off; `ARGV` are the interval of one
/// request in microseconds, how many may come at once, and how many are asked for. Answers how many were
/// given, how many remain, the time to full and the time to wait, in microseconds; the last is -1 when there
/// is none. Of what is left no more than an eighth is given for later.
const CELL: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, most, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local paid_off = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local free = (interval * most - (paid_off - now)) / interval
if free < 1 then
  return {0, 0, paid_off - now, paid_off + interval - interval * most - now}
end
local given = math.max(1, math.min(wanted, math.floor(free / 8)))
local after = paid_off + given * interval
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000))
return {given, math.floor(free - given), after - now, -1}
";

/// What all gateways have counted, in Redis.
pub(crate) struct Shared {
    redis: Redis,
    cell: Script,
    bundles: Bundles,
}

impl Shared {
    pub(crate) fn on(line: Line) -> Self {
        Self {
            redis: Redis::new(line, PATIENCE, "each gateway counts for itself"),
            cell: Script::new(CELL),
            bundles: Bundles::none(),
        }
    }

    /// Counts one request; `None` while Redis is away.
    pub(crate) async fn count(
        &self,
        class: Class,
        client: &Client,
        limit: Limit,
    ) -> Option<Outcome> {
        let held = self.bundles.of(class, client).await;
        let wanted = match held.take(Instant::now()) {
            Ok(known) => return Some(known),
            Err(wanted) => wanted,
        };
        let key = format!("reen:limit:{}:{client}", class.word());
        let counting = |connection| self.count_on(connection, key, limit, wanted);
        let given = self.redis.ask(counting).await?;
        held.keep(&given, Instant::now());
        Some(given.outcome)
    }

    async fn count_on(
        &self,
        mut connection: ConnectionManager,
        key: String,
        limit: Limit,
        wanted: u32,
    ) -> Result<Given, RedisError> {
        let interval = u64::try_from(limit.interval().as_micros()).unwrap_or(u64::MAX);
        let (size, remaining, reset, wait): (u32, u32, u64, i64) = self
            .cell
            .key(key)
            .arg(interval)
            .arg(limit.at_once.get())
            .arg(wanted)
            .invoke_async(&mut connection)
            .await?;
        let outcome = Outcome {
            remaining,
            reset: Duration::from_micros(reset),
            wait: u64::try_from(wait).ok().map(Duration::from_micros),
        };
        Ok(Given { size, outcome })
    }
}
