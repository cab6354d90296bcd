use std::net::IpAddr;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use reen_error::Code;

use super::PeerAddress;
use crate::error::Error;
use crate::extract::SignedIn;
use crate::gateway::Gateway;
use crate::limits::{Client, Limit, Outcome};
use crate::rules::Operation;

pub(super) const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
pub(super) const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
pub(super) const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// What a request used up of its client's limit.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    limit: Limit,
    outcome: Outcome,
}

/// Who is counted: the user who is signed in, else the address that the request came from.
pub(super) fn client(gateway: &Gateway, user: Option<&SignedIn>, request: &Request) -> Client {
    if let Some(SignedIn { user }) = user {
        return Client::User(user.clone());
    }
    let peer = request.extensions().get::<PeerAddress>();
    let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
    Client::Address(gateway.proxies.client(peer, request.headers()))
}

impl Counted {
    /// Counts a request; `None` where there is no limit.
    pub(super) async fn of(
        gateway: &Gateway,
        operation: &Operation,
        client: &Client,
    ) -> Option<Self> {
        let (limit, outcome) = gateway.limits.count(operation.class?, client).await?;
        Some(Self { limit, outcome })
    }

    /// The refusal, if this was one too many.
    pub(super) fn refusal(&self) -> Option<Response> {
        let wait = self.outcome.wait?;
        let mut response = Error::of(Code::RateLimited).into_response();
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, seconds(wait));
        self.tell(&mut response);
        Some(response)
    }

    /// Tells the client how much is left.
    pub(super) fn tell(&self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(self.limit.at_once.get()));
        headers.insert(REMAINING, HeaderValue::from(self.outcome.remaining));
        headers.insert(RESET, seconds(self.outcome.reset));
    }
}

/// Rounded up: who comes back after that is not refused again.
fn seconds(duration: Duration) -> HeaderValue {
    let whole = duration.as_secs();
    HeaderValue::from(whole + u64::from(duration.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::seconds;

    #[test]
    fn nobody_is_told_to_come_back_too_early() {
        for (millis, expected) in [(0, "0"), (1, "1"), (1_000, "1"), (1_001, "2")] {
            assert_eq!(seconds(Duration::from_millis(millis)), expected);
        }
    }
}
