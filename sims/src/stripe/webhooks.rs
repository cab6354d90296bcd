//! One webhook request: Stripe's signature and the POST.
//! <https://docs.stripe.com/webhooks#verify-manually>.

use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, watch};
use url::Url;

use super::events::Delivery;

/// A receiver that has not answered by then is tried again.
const RECEIVER_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests to the receiver at once: after an outage thousands may be due.
const REQUESTS_AT_ONCE: usize = 64;

/// Signs and posts events to the receiver.
#[derive(Debug)]
pub(crate) struct Courier {
    client: reqwest::Client,
    key: hmac::Key,
    receiver: watch::Sender<Option<Url>>,
    permits: Semaphore,
}

impl Courier {
    /// # Errors
    /// No HTTP client can be made.
    pub(crate) fn new(secret: &SecretString, receiver: Option<Url>) -> Result<Self> {
        // The client asks for the process's TLS provider even when it only
        // speaks http; whoever embeds the stand-in may not have set one.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let client = reqwest::Client::builder()
            .timeout(RECEIVER_TIMEOUT)
            // Stripe counts a redirect as a failure.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .context("the webhook client")?;
        Ok(Self {
            client,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes()),
            receiver: watch::Sender::new(receiver),
            permits: Semaphore::new(REQUESTS_AT_ONCE),
        })
    }

    /// From now on events go there.
    pub(crate) fn set_receiver(&self, url: Url) {
        self.receiver.send_replace(Some(url));
    }

    pub(crate) fn has_receiver(&self) -> bool {
        self.receiver.borrow().is_some()
    }

    /// Makes one attempt, waiting for a receiver if none is set yet.
    pub(crate) async fn attempt(&self, body: &str) -> Delivery {
        let Some(url) = self.receiver_url().await else {
            return failed("the stand-in stops");
        };
        let Ok(_permit) = self.permits.acquire().await else {
            return failed("the stand-in stops");
        };
        let at = Utc::now();
        let sent = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .header(USER_AGENT, "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("Stripe-Signature", self.signature(body, at))
            .body(body.to_owned())
            .send()
            .await;
        match sent {
            Ok(answer) => Delivery {
                at,
                status: Some(answer.status().as_u16()),
                error: None,
            },
            Err(error) => Delivery {
                at,
                status: None,
                error: Some(chain(&error)),
            },
        }
    }

    /// `t=…,v1=…`: the HMAC-SHA256 of `"{t}.{body}"`.
    fn signature(&self, body: &str, at: DateTime<Utc>) -> String {
        let timestamp = at.timestamp();
        let tag = hmac::sign(&self.key, format!("{timestamp}.{body}").as_bytes());
        format!("t={timestamp},v1={}", hex::encode(tag))
    }

    async fn receiver_url(&self) -> Option<Url> {
        let mut receiver = self.receiver.subscribe();
        let url = receiver.wait_for(Option::is_some).await.ok()?;
        url.clone()
    }
}

fn failed(why: &str) -> Delivery {
    Delivery {
        at: Utc::now(),
        status: None,
        error: Some(why.to_owned()),
    }
}

/// The error with its sources: the outermost alone says only that it failed.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
