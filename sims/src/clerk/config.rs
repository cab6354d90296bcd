//! Environment → [`Config`]: the only reader of the environment.

use anyhow::Result;
use secrecy::SecretString;

use super::Webhooks;
use crate::settings::{ConfigProblems, HttpUrl, Reader};

/// How the stand-in is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Host to listen on (`BIND_HOST`, default `127.0.0.1`).
    pub host: String,
    /// Port to listen on (`CLERK_SIM_PORT`); 0 takes any free one.
    pub port: u16,
    /// What callers of the API present (`CLERK_SECRET_KEY`).
    pub secret_key: SecretString,
    /// Who is told of users (`CLERK_WEBHOOK_SIGNING_SECRET`, `CLERK_SIM_WEBHOOK_URL`); nobody, when absent.
    pub webhooks: Option<Webhooks>,
}

impl Config {
    /// A stand-in on a free loopback port that tells nobody: for tests in the same process.
    #[must_use]
    pub fn in_process(secret_key: impl Into<String>) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 0,
            secret_key: SecretString::from(secret_key.into()),
            webhooks: None,
        }
    }

    /// Reads the process's environment.
    ///
    /// # Errors
    /// Every variable that is missing or malformed, by name.
    pub fn from_env() -> Result<Self> {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut reader = Reader::over(lookup);
        let port = reader.required("CLERK_SIM_PORT", "a port number, 0 for any free one");
        let key: Option<String> =
            reader.required("CLERK_SECRET_KEY", "what callers of the API present");
        let host = reader.optional("BIND_HOST", "a host name or address");
        let receiver: Option<HttpUrl> = reader.optional(
            "CLERK_SIM_WEBHOOK_URL",
            "the http URL that receives the webhooks",
        );
        let signing: Option<String> = reader.optional(
            "CLERK_WEBHOOK_SIGNING_SECRET",
            "the secret that signs the webhooks",
        );
        let (Some(port), Some(key), true) = (port, key, reader.problems.is_empty()) else {
            return Err(ConfigProblems(reader.problems).into());
        };
        let webhooks = receiver.zip(signing);
        let webhooks = webhooks.map(|(HttpUrl(url), secret)| Webhooks::new(&secret, url.as_str()));
        Ok(Self {
            host: host.unwrap_or_else(|| "127.0.0.1".to_owned()),
            port,
            webhooks: webhooks.transpose()?,
            ..Self::in_process(key)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn read(variables: &[(&str, &str)]) -> anyhow::Result<Config> {
        Config::read(|name| {
            let known = variables.iter().find(|(known, _)| *known == name);
            known.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn every_missing_variable_is_named() {
        let problems = read(&[]).unwrap_err().to_string();
        assert!(problems.contains("CLERK_SIM_PORT"), "{problems}");
        assert!(problems.contains("CLERK_SECRET_KEY"), "{problems}");
    }

    #[test]
    fn webhooks_are_sent_when_there_is_a_receiver_and_a_secret() {
        let needed = [("CLERK_SIM_PORT", "0"), ("CLERK_SECRET_KEY", "sk_test_x")];
        assert!(read(&needed).unwrap().webhooks.is_none());
        let mut all = needed.to_vec();
        all.push(("CLERK_SIM_WEBHOOK_URL", "http://127.0.0.1:8000/x"));
        all.push(("CLERK_WEBHOOK_SIGNING_SECRET", "whsec_c2VjcmV0"));
        assert!(read(&all).unwrap().webhooks.is_some());
    }
}
