//! What all gateways remember together, in Redis.
//!
//! A key holds an answer or a lease. The lease is given to the first who asks for what is not there;
//! the others wait a little for its holder. Dropping a key drops the lease as well, and what was
//! loaded under it is then not kept: it may be of the time before ("leases" in Nishtala et al.,
//! Scaling Memcache at Facebook, 2013).

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use redis::aio::ConnectionManager;
use redis::{RedisError, Script};
use uuid::Uuid;

use super::answer::Answer;
use super::key::Key;
use crate::redis::{Line, Redis};

/// A request does not wait longer for Redis.
pub(super) const PATIENCE: Duration = Duration::from_millis(20);
/// So long another gateway's load is waited for.
const WAIT: Duration = Duration::from_millis(100);
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// A load that takes longer is too old to be kept.
const LEASE_MILLIS: u64 = 2_000;
/// Longer answers are not kept here: to fetch them would cost what it saves.
const LONGEST: usize = 512 * 1024;
/// How many keys one command drops.
const DROPPED_AT_ONCE: usize = 500;

const PREFIX: &str = "reen:cache:";
const ANSWER: u8 = b'A';
/// The first letter of a lease.
const LEASE: char = 'L';

/// Answers what is under `KEYS[1]` and the milliseconds that it has left; or, after the lease `ARGV[1]`
/// was put there for `ARGV[2]` milliseconds, nothing and the time in milliseconds.
const LOOK: &str = r"
local kept = redis.call('GET', KEYS[1])
if kept then
  return {kept, redis.call('PTTL', KEYS[1])}
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local time = redis.call('TIME')
return {false, time[1] * 1000 + math.floor(time[2] / 1000)}
";

/// Where the lease `ARGV[1]` still is, puts the answer `ARGV[2]` until the time `ARGV[3]`; or, if that is
/// empty, nothing. The time is absolute, so that a command that was held up keeps nothing too long.
const SETTLE: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  return redis.call('DEL', KEYS[1])
end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
return 1
";

/// What is under a key.
pub(super) enum Look {
    Found(Found),
    /// Nothing: whoever holds this is to load it.
    Granted(Lease),
    /// Nothing that could be waited for, or no Redis.
    Nothing,
}

pub(super) struct Found {
    pub(super) answer: Answer,
    /// Not before its load began.
    pub(super) began: Instant,
    /// When it is too old.
    pub(super) ends: Instant,
}

/// The right to keep what was loaded.
pub(super) struct Lease {
    token: String,
    /// When it was given, in milliseconds of Redis's clock.
    given_at: u64,
}

pub(super) struct Far {
    redis: Redis,
    look: Script,
    settle: Script,
}

impl Far {
    /// Waits no longer than `patience` for an answer of Redis.
    pub(super) fn on(line: Line, patience: Duration) -> Self {
        Self {
            redis: Redis::new(line, patience, "each gateway remembers for itself"),
            look: Script::new(LOOK),
            settle: Script::new(SETTLE),
        }
    }

    /// Looks, and waits a little for somebody who is loading it.
    pub(super) async fn look(&self, key: &Key) -> Look {
        let give_up = Instant::now() + WAIT;
        let token = format!("{LEASE}{}", Uuid::new_v4().simple());
        while let Some(looked) = self.look_once(key, &token).await {
            if let Some(look) = looked {
                return look;
            }
            if Instant::now() >= give_up {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Look::Nothing
    }

    /// The outer is `None` while Redis is away, the inner while another has the lease.
    async fn look_once(&self, key: &Key, token: &str) -> Option<Option<Look>> {
        let asked_at = Instant::now();
        let looking = |mut connection: ConnectionManager| async move {
            let mut look = self.look.key(name(key.text()));
            look.arg(token).arg(LEASE_MILLIS);
            look.invoke_async(&mut connection).await
        };
        let (kept, millis): (Option<Vec<u8>>, u64) = self.redis.ask(looking).await?;
        let Some(kept) = kept else {
            let token = token.to_owned();
            let given_at = millis;
            return Some(Some(Look::Granted(Lease { token, given_at })));
        };
        if kept.first() != Some(&ANSWER) {
            return Some(None);
        }
        let answer = Answer::decode(&Bytes::from(kept).slice(1..))?;
        // It had so much left, or one less, because milliseconds are counted whole, at some time after it
        // was asked for: this is on the safe side.
        let ends = asked_at + Duration::from_millis(millis.saturating_sub(1));
        let began = ends.checked_sub(key.lifetime()).unwrap_or(asked_at);
        let found = Found {
            answer,
            began,
            ends,
        };
        Some(Some(Look::Found(found)))
    }

    /// Ends a lease: keeps the answer, if there is one to keep. Nobody waits for it.
    pub(super) fn settle(self: Arc<Self>, key: &Key, lease: Lease, answer: Option<Answer>) {
        let short = answer.filter(|answer| answer.size() <= LONGEST);
        let kept = short.map_or_else(Vec::new, |answer| answer.encode(ANSWER));
        let lifetime = u64::try_from(key.lifetime().as_millis()).unwrap_or_default();
        let until = lease.given_at.saturating_add(lifetime);
        let name = name(key.text());
        let settling = async move {
            let mut settle = self.settle.key(name);
            settle.arg(lease.token).arg(kept).arg(until);
            let settling = |mut connection: ConnectionManager| async move {
                settle.invoke_async::<()>(&mut connection).await
            };
            self.redis.ask(settling).await
        };
        tokio::spawn(settling);
    }

    /// Drops what is under these keys, answers and leases. What cannot be dropped ends by its age.
    pub(super) async fn drop_all(&self, texts: &[String]) {
        for some in texts.chunks(DROPPED_AT_ONCE) {
            let names: Vec<String> = some.iter().map(|text| name(text)).collect();
            let dropping = |mut connection: ConnectionManager| async move {
                let mut command = redis::cmd("DEL");
                command.arg(names);
                let dropped: Result<(), RedisError> = command.query_async(&mut connection).await;
                dropped
            };
            if self.redis.ask(dropping).await.is_none() {
                return;
            }
        }
    }
}

fn name(text: &str) -> String {
    format!("{PREFIX}{text}")
}
