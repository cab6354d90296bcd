//! How requests of `async-stripe` get to Stripe: over connections that are kept open. The library's own
//! client opens a new one for every request, and with it does the handshakes of TCP and TLS again.

use std::time::Duration;

use miniserde::json;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response};
use secrecy::{ExposeSecret, SecretString};
use stripe::{CustomizedStripeRequest, StripeError};
use stripe_client_core::{RequestBuilder, StripeClient, StripeMethod, VERSION};
use stripe_shared::Error as Refusal;
use url::Url;

const STRIPE: &str = "https://api.stripe.com/";
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Shorter than what balancers in between leave a silent connection.
const IDLE: Duration = Duration::from_secs(30);

/// Sends each request once, within its own timeout.
pub(super) struct Wire {
    client: Client,
    /// Ends with a slash.
    base: String,
}

impl Wire {
    /// A wire to `api_base`, or to Stripe itself. Connects when first used.
    pub(super) fn to(
        secret_key: &SecretString,
        api_base: Option<&Url>,
    ) -> Result<Self, StripeError> {
        let base = api_base.map_or(STRIPE, Url::as_str).trim_end_matches('/');
        let client = Client::builder()
            .default_headers(headers(secret_key)?)
            .user_agent(concat!("reen/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE)
            .redirect(reqwest::redirect::Policy::none());
        Ok(Self {
            client: client.build().map_err(misconfigured)?,
            base: format!("{base}/"),
        })
    }

    fn request(&self, request: RequestBuilder) -> reqwest::RequestBuilder {
        let mut url = format!("{}v1{}", self.base, request.path);
        if let Some(query) = request.query {
            url.push('?');
            url.push_str(&query);
        }
        let sending = self.client.request(method(request.method), url);
        match request.body {
            Some(body) => sending.header(CONTENT_TYPE, FORM).body(body),
            None => sending,
        }
    }
}

impl StripeClient for Wire {
    type Err = StripeError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<bytes::Bytes, StripeError> {
        let (request, chosen) = request.into_pieces();
        let mut sending = self.request(request);
        if let Some(timeout) = chosen.timeout {
            sending = sending.timeout(timeout);
        }
        let strategy = chosen.request_strategy;
        if let Some(key) = strategy.and_then(|strategy| strategy.get_key()) {
            sending = sending.header(IDEMPOTENCY_KEY, key.as_str());
        }
        read(sending.send().await.map_err(lost)?).await
    }
}

async fn read(response: Response) -> Result<bytes::Bytes, StripeError> {
    let status = response.status();
    let body = response.bytes().await.map_err(lost)?;
    if status.is_success() {
        return Ok(body);
    }
    let refusal = std::str::from_utf8(&body).ok();
    let refusal = refusal.and_then(|text| json::from_str::<Refusal>(text).ok());
    match refusal {
        Some(refusal) => Err(StripeError::Stripe(refusal.error, status.as_u16())),
        None => {
            let sentence = format!("an answer {status} that is not Stripe's");
            Err(StripeError::JSONDeserialize(sentence))
        }
    }
}

fn headers(secret_key: &SecretString) -> Result<HeaderMap, StripeError> {
    let bearer = format!("Bearer {}", secret_key.expose_secret());
    let mut bearer = HeaderValue::try_from(bearer).map_err(misconfigured)?;
    bearer.set_sensitive(true);
    let version = HeaderValue::from_str(VERSION.as_str()).map_err(misconfigured)?;
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, bearer),
        (STRIPE_VERSION, version),
    ]))
}

fn method(method: StripeMethod) -> Method {
    match method {
        StripeMethod::Get => Method::GET,
        StripeMethod::Post => Method::POST,
        StripeMethod::Delete => Method::DELETE,
    }
}

/// The outcome is not known.
fn lost(error: reqwest::Error) -> StripeError {
    if error.is_timeout() {
        return StripeError::Timeout;
    }
    // Its address may hold ids; what failed is in the cause.
    StripeError::ClientError(format!("{:?}", error.without_url()))
}

fn misconfigured(error: impl std::fmt::Display) -> StripeError {
    StripeError::ConfigError(error.to_string())
}
