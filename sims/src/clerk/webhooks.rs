//! The way of an event: Svix signs and sends it, again and again until it is accepted
//! (<https://docs.svix.com/receiving/verifying-payloads/how-manual>).

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use ring::hmac;
use tokio::time::Instant;
use url::Url;

use super::Event;

const SECRET_PREFIX: &str = "whsec_";
const RECEIVER_TIMEOUT: Duration = Duration::from_secs(15);
/// Svix waits for seconds, then hours; a test has no time for that.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const GIVE_UP: Duration = Duration::from_secs(60);

/// Signs events and posts them to one receiver.
#[derive(Clone, Debug)]
pub struct Webhooks {
    client: reqwest::Client,
    key: hmac::Key,
    receiver: Url,
}

impl Webhooks {
    /// Webhooks that are signed with `secret` (`whsec_` and base64) and go to `receiver`.
    ///
    /// # Errors
    /// When the secret or the URL is none.
    pub fn new(secret: &str, receiver: &str) -> Result<Self> {
        // Asked for even by a client that only speaks http.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(RECEIVER_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .context("the webhook client")?;
        Ok(Self {
            client,
            key: key(secret)?,
            receiver: receiver.parse().context("the receiver's URL")?,
        })
    }

    /// Sends an event until it is accepted, and answers how many attempts that took.
    ///
    /// # Errors
    /// When it is not accepted within a minute.
    pub async fn deliver(&self, event: &Event) -> Result<usize> {
        let give_up = Instant::now() + GIVE_UP;
        let mut pause = FIRST_PAUSE;
        let mut attempts = 1;
        loop {
            let outcome = self.send(event).await;
            if matches!(outcome, Ok(status) if status.is_success()) {
                return Ok(attempts);
            }
            if Instant::now() >= give_up {
                bail!("{} was not accepted: {outcome:?}", event.id);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            attempts += 1;
        }
    }

    /// Sends an event once, signed now, and answers the receiver's status.
    ///
    /// # Errors
    /// When the receiver does not answer.
    pub async fn send(&self, event: &Event) -> Result<StatusCode> {
        let timestamp = Utc::now().timestamp();
        let answer = self
            .client
            .post(self.receiver.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "Svix-Webhooks/1.0")
            .header("svix-id", &event.id)
            .header("svix-timestamp", timestamp)
            .header("svix-signature", self.signature(event, timestamp))
            .body(event.body.clone())
            .send()
            .await?;
        Ok(answer.status())
    }

    /// `v1,` and the HMAC-SHA256 of `"{id}.{timestamp}.{body}"` in base64.
    fn signature(&self, event: &Event, timestamp: i64) -> String {
        let signed = format!("{}.{timestamp}.{}", event.id, event.body);
        let tag = hmac::sign(&self.key, signed.as_bytes());
        format!("v1,{}", STANDARD.encode(tag))
    }
}

fn key(secret: &str) -> Result<hmac::Key> {
    let encoded = secret.strip_prefix(SECRET_PREFIX);
    let encoded = encoded.context("the secret must begin with whsec_")?;
    let bytes = STANDARD
        .decode(encoded)
        .context("the secret is not base64")?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU16, Ordering};

    use axum::Router;
    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::post;
    use tokio::net::TcpListener;

    use super::Webhooks;
    use crate::clerk::{Event, User};

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The example of Svix's documentation of manual verification.
    #[test]
    fn an_event_is_signed_as_svix_signs() {
        let webhooks = Webhooks::new(SECRET, "http://127.0.0.1:1").unwrap();
        let event = Event {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
            body: r#"{"test": 2432232314}"#.to_owned(),
        };
        let signature = webhooks.signature(&event, 1_614_265_330);
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signature, expected);
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for secret in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?"] {
            assert!(Webhooks::new(secret, "http://127.0.0.1:1").is_err());
        }
    }

    #[tokio::test]
    async fn an_event_is_sent_until_it_is_accepted() {
        let received = Arc::new(AtomicU16::new(0));
        let counter = Arc::clone(&received);
        let accept_the_third = async move |headers: HeaderMap| {
            assert!(headers.contains_key("svix-id"));
            match counter.fetch_add(1, Ordering::Relaxed) {
                0 | 1 => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::OK,
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/clerk", listener.local_addr().unwrap());
        let app = Router::new().route("/clerk", post(accept_the_third));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let webhooks = Webhooks::new(SECRET, &url).unwrap();
        let ada = User::new("Ada", "Lovelace", "ada@reen.example");
        let attempts = webhooks.deliver(&Event::created(&ada)).await.unwrap();
        assert_eq!(attempts, 3);
        assert_eq!(received.load(Ordering::Relaxed), 3);
    }
}
