//! How often somebody may ask, by class of operation: counted in Redis for all gateways together, and in
//! this process alone while Redis is away.
//!
//! Each count is a cell of the generic cell rate algorithm: one moment, at which everything that was
//! asked for would be paid off at the steady rate. So a limit has no window at whose edge twice as much
//! gets through.

mod bundle;
mod client;
mod local;
mod policy;
mod redis;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use client::{ClientAddress, TrustedProxies};
pub(crate) use local::Local;
pub(crate) use policy::{Class, Limit, Limits};
pub(crate) use redis::Shared;

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    User(Arc<str>),
    Address(ClientAddress),
}

impl fmt::Display for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(formatter, "user:{id}"),
            Self::Address(address) => write!(formatter, "address:{address}"),
        }
    }
}

/// What came of asking once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// How many more may follow at once.
    pub(crate) remaining: u32,
    /// Until as many as ever may follow at once.
    pub(crate) reset: Duration,
    /// Of one that is refused: when it would not be.
    pub(crate) wait: Option<Duration>,
}

/// Counts requests.
pub(crate) struct RateLimits {
    limits: Limits,
    shared: Option<Shared>,
    local: Local,
}

impl RateLimits {
    pub(crate) fn new(limits: Limits, shared: Option<Shared>) -> Self {
        Self {
            local: Local::new(&limits),
            limits,
            shared,
        }
    }

    /// Counts one request of `client`, and answers the limit with what came of it; `None` where there
    /// is no limit.
    pub(crate) async fn count(&self, class: Class, client: &Client) -> Option<(Limit, Outcome)> {
        let limit = self.limits.of(class)?;
        let shared = match &self.shared {
            Some(shared) => shared.count(class, client, limit).await,
            None => None,
        };
        let outcome = shared.unwrap_or_else(|| self.local.count(class, client));
        Some((limit, outcome))
    }
}
