//! What travels with a call through every process: request id, deadline, caller.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reen_error::{Code, Failure};
use tonic::Request;

use crate::idempotency::IdempotencyKey;
use crate::telemetry::trace::Place;

tokio::task_local! {
    static CURRENT: CallContext;
}

/// A verified caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The calling process, e.g. `gateway`.
    pub service: Arc<str>,
    /// The user on whose behalf it calls.
    pub user: Option<Arc<str>>,
}

impl Caller {
    /// The caller of a request that came through [`crate::server`].
    ///
    /// # Errors
    /// `unknown_caller` when the request did not come that way.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Failure> {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .ok_or_else(|| Failure::new(Code::UnknownCaller, "no caller identity"))
    }

    /// The signed-in user on whose behalf the call is made.
    ///
    /// # Errors
    /// `unauthenticated` when there is none.
    pub fn user(&self) -> Result<&str, Failure> {
        self.user
            .as_deref()
            .ok_or_else(|| Failure::new(Code::Unauthenticated, Code::Unauthenticated.title()))
    }

    /// Lets only these processes pass.
    ///
    /// # Errors
    /// `unknown_caller` for any other.
    pub fn must_be(&self, services: &[&str]) -> Result<(), Failure> {
        if services.contains(&&*self.service) {
            return Ok(());
        }
        Err(Failure::new(
            Code::UnknownCaller,
            format!("{} may not make this call", self.service),
        ))
    }
}

/// The context in which a request is being worked on.
#[derive(Clone, Debug, Default)]
pub struct CallContext {
    /// Ties together what all processes log about one request.
    pub request_id: Option<Arc<str>>,
    /// When whoever waits will have given up.
    pub deadline: Option<Instant>,
    /// The user on whose behalf everything downstream happens.
    pub user: Option<Arc<str>>,
    /// How the client named the request, if it did: handed to whoever is asked, and no further.
    pub idempotency: Option<IdempotencyKey>,
    /// Where in a trace this is; `None` when it is in none.
    pub place: Option<Place>,
}

impl CallContext {
    /// The context of the running task; an empty one outside of any.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// Looks at the context of the running task, or at an empty one, without making another.
    pub fn look<T>(mut read: impl FnMut(&Self) -> T) -> T {
        CURRENT
            .try_with(&mut read)
            .unwrap_or_else(|_| read(&Self::default()))
    }

    /// Runs `work` in this context: calls it makes carry on the request id, the user and what is
    /// left of the deadline.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    /// What is left of the current deadline: zero when it has passed, `None` when there is none.
    #[must_use]
    pub fn time_left() -> Option<Duration> {
        let deadline = CURRENT
            .try_with(|context| context.deadline)
            .ok()
            .flatten()?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// What is left of the deadline, at most `limit`; zero when it has passed.
    #[must_use]
    pub fn remaining(&self, limit: Duration) -> Duration {
        self.deadline.map_or(limit, |deadline| {
            deadline
                .saturating_duration_since(Instant::now())
                .min(limit)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{CallContext, Caller};

    #[test]
    fn only_named_services_pass() {
        let caller = Caller {
            service: "gateway".into(),
            user: None,
        };
        assert!(caller.must_be(&["checkout", "gateway"]).is_ok());
        assert!(caller.must_be(&["checkout"]).is_err());
        assert!(caller.user().is_err());
    }

    #[tokio::test]
    async fn a_deadline_shrinks_and_never_grows() {
        let limit = Duration::from_secs(5);
        assert_eq!(CallContext::current().remaining(limit), limit);
        let passed = CallContext {
            deadline: Some(Instant::now()),
            ..CallContext::default()
        };
        let remaining = passed
            .scope(async { CallContext::current().remaining(limit) })
            .await;
        assert_eq!(remaining, Duration::ZERO);
    }
}
