//! Environment → [`Config`]: the only reader of the environment.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::settings::{ConfigProblems, HttpUrl, Reader};

/// Stripe refuses sessions that live shorter than this.
const STRIPE_MINIMUM_SESSION_LIFE: Duration = Duration::from_secs(30 * 60);

/// How the stand-in is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Host to listen on (`BIND_HOST`, default `127.0.0.1`).
    pub host: String,
    /// Port to listen on (`STRIPE_SIM_PORT`); 0 takes any free one.
    pub port: u16,
    /// Signs the webhooks (`STRIPE_WEBHOOK_SIGNING_SECRET`).
    pub signing_secret: SecretString,
    /// Receives the webhooks (`STRIPE_SIM_WEBHOOK_URL`). Events that occur
    /// while it is `None` wait for [`Handle::set_webhook_url`].
    ///
    /// [`Handle::set_webhook_url`]: super::Handle::set_webhook_url
    pub webhook_url: Option<Url>,
    /// When a webhook that was not accepted is sent again.
    pub retry: RetrySchedule,
    /// The shortest `expires_at` from now. Stripe's is 30 minutes; tests of
    /// expiry set less.
    pub minimum_session_life: Duration,
    /// A journal that survives a restart (`STRIPE_SIM_STATE`); `None` keeps
    /// everything in memory.
    pub state_file: Option<PathBuf>,
}

/// Waits between the attempts to deliver one event: `first`, doubled each
/// time up to `cap`, until `give_up` after the first attempt.
#[derive(Debug, Clone, Copy)]
pub struct RetrySchedule {
    /// Before the second attempt (`STRIPE_SIM_RETRY_FIRST_MS`, default 200).
    pub first: Duration,
    /// Never longer than this (`STRIPE_SIM_RETRY_CAP_MS`, default 30,000).
    pub cap: Duration,
    /// No attempt after this (`STRIPE_SIM_RETRY_GIVE_UP_MS`, default three
    /// days, as at Stripe).
    pub give_up: Duration,
}

impl Default for RetrySchedule {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            cap: Duration::from_secs(30),
            give_up: Duration::from_secs(3 * 24 * 60 * 60),
        }
    }
}

impl Config {
    /// A stand-in on a free loopback port that keeps everything in memory and
    /// has no receiver yet: for tests in the same process.
    #[must_use]
    pub fn in_process(signing_secret: impl Into<String>) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 0,
            signing_secret: SecretString::from(signing_secret.into()),
            webhook_url: None,
            retry: RetrySchedule::default(),
            minimum_session_life: STRIPE_MINIMUM_SESSION_LIFE,
            state_file: None,
        }
    }

    /// Reads the process's environment.
    ///
    /// # Errors
    /// Every variable that is missing or malformed, by name.
    pub fn from_env() -> Result<Self, ConfigProblems> {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigProblems> {
        let mut reader = Reader::over(lookup);
        let fallback = RetrySchedule::default();
        let port = reader.required("STRIPE_SIM_PORT", "a port number, 0 for any free one");
        let secret: Option<String> = reader.required(
            "STRIPE_WEBHOOK_SIGNING_SECRET",
            "the secret that signs the webhooks",
        );
        let webhook_url = reader.required(
            "STRIPE_SIM_WEBHOOK_URL",
            "the http URL that receives the webhooks",
        );
        let retry = RetrySchedule {
            first: reader.milliseconds("STRIPE_SIM_RETRY_FIRST_MS", fallback.first),
            cap: reader.milliseconds("STRIPE_SIM_RETRY_CAP_MS", fallback.cap),
            give_up: reader.milliseconds("STRIPE_SIM_RETRY_GIVE_UP_MS", fallback.give_up),
        };
        let host = reader.optional("BIND_HOST", "a host name or address");
        let state_file = reader.optional("STRIPE_SIM_STATE", "the path of a file");
        match (port, secret, webhook_url) {
            (Some(port), Some(secret), Some(HttpUrl(url))) if reader.problems.is_empty() => {
                Ok(Self {
                    port,
                    host: host.unwrap_or_else(|| "127.0.0.1".to_owned()),
                    webhook_url: Some(url),
                    retry,
                    state_file,
                    ..Self::in_process(secret)
                })
            }
            _ => Err(ConfigProblems(reader.problems)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigProblems> {
        Config::read(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    const COMPLETE: [(&str, &str); 3] = [
        ("STRIPE_SIM_PORT", "0"),
        ("STRIPE_WEBHOOK_SIGNING_SECRET", "whsec_x"),
        (
            "STRIPE_SIM_WEBHOOK_URL",
            "http://127.0.0.1:3000/api/v1/webhooks/stripe",
        ),
    ];

    #[test]
    fn every_missing_variable_is_named() {
        let message = read(&[]).unwrap_err().to_string();
        for (name, _) in COMPLETE {
            assert!(message.contains(name), "{name} is not in: {message}");
        }
    }

    #[test]
    fn a_malformed_value_is_named_but_not_shown() {
        let mut variables = COMPLETE.to_vec();
        variables[0].1 = "seventy";
        let message = read(&variables).unwrap_err().to_string();
        assert!(message.contains("STRIPE_SIM_PORT is not"));
        assert!(!message.contains("seventy"));
    }

    #[test]
    fn a_receiver_without_a_scheme_is_no_url() {
        let mut variables = COMPLETE.to_vec();
        variables[2].1 = "gateway:3000/webhooks";
        let message = read(&variables).unwrap_err().to_string();
        assert!(
            message.contains("STRIPE_SIM_WEBHOOK_URL is not the http URL"),
            "{message}"
        );
    }

    #[test]
    fn defaults_are_for_development() {
        let config = read(&COMPLETE).unwrap();
        assert_eq!(config.host, "127.0.0.1");
        assert_eq!(config.retry.first, Duration::from_millis(200));
        assert_eq!(config.state_file, None);
    }
}
