use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use reen_error::Code;

use crate::error::Error;
use crate::extract::{SignedIn, client_address};
use crate::gateway::Gateway;
use crate::limits::{Client, Limit, Outcome};
use crate::problem::whole_seconds;
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
    if let Some(SignedIn { user, .. }) = user {
        return Client::User(user.clone());
    }
    let address = client_address(gateway, request.extensions(), request.headers());
    Client::Address(address)
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
        headers.insert(header::RETRY_AFTER, whole_seconds(wait));
        self.tell(&mut response);
        Some(response)
    }

    /// Tells the client how much is left.
    pub(super) fn tell(&self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(LIMIT, HeaderValue::from(self.limit.at_once.get()));
        headers.insert(REMAINING, HeaderValue::from(self.outcome.remaining));
        headers.insert(RESET, whole_seconds(self.outcome.reset));
    }
}
