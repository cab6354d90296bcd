use std::time::Duration;

use reen_chassis::config::{ConfigError, Environment, Listen, Reader};
use reen_chassis::identity::Identity;
use secrecy::SecretString;
use url::Url;

use crate::domain::{Cents, DEFAULT_STARTING_BALANCE, SealingKey};

const SECRETS_KEY: &str = "AUTH_SECRETS_KEY";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SIGNING_KEY_DAYS: u32 = 90;

/// The settings of this service.
#[derive(Clone, Debug)]
pub struct Config {
    /// `BIND_HOST`, `AUTH_PORT`, `AUTH_ADMIN_PORT`.
    pub listen: Listen,
    /// `AUTH_DATABASE_URL`, with the database's name.
    pub database_url: SecretString,
    /// `MIGRATE_AT_START`: whether it brings its database up to date before it serves.
    pub migrate_at_start: bool,
    /// `MESSAGE_BROKER_URL`.
    pub broker_url: SecretString,
    /// `SERVICE_IDENTITY_SECRET`.
    pub identity: Identity,
    /// `STARTING_BALANCE`, in major units in the environment: what a new user's account opens with.
    pub starting_balance_cents: i64,
    /// `SIGNING_KEY_DAYS`: how long a key signs access tokens before another one does; `None` (0 in the
    /// environment) until somebody asks for it.
    pub signing_keys_replaced_after: Option<Duration>,
    /// `AUTH_SECRETS_KEY`: what is stored and has to be read again is sealed with it.
    pub secrets_key: SealingKey,
    /// Absent when Clerk is not used.
    pub clerk: Option<ClerkApi>,
}

/// Where Clerk's users are looked up.
#[derive(Clone, Debug)]
pub struct ClerkApi {
    /// `CLERK_SECRET_KEY`.
    pub secret_key: SecretString,
    /// `CLERK_API_BASE`, with the version: a stand-in; absent for Clerk itself.
    pub base: Option<Url>,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// Every key that is missing or malformed.
    pub fn read(environment: &dyn Environment) -> Result<Self, ConfigError> {
        Reader::read(environment, |reader| {
            let listen = reader.listen("AUTH", 50051, 9101);
            let database_url = reader.secret("AUTH_DATABASE_URL");
            let migrate_at_start = reader.or("MIGRATE_AT_START", true);
            let broker_url = reader.secret("MESSAGE_BROKER_URL");
            let identity = reader.identity(crate::NAME);
            let starting_balance: Option<Cents> =
                reader.or("STARTING_BALANCE", DEFAULT_STARTING_BALANCE);
            let signing_key_days = reader.or("SIGNING_KEY_DAYS", SIGNING_KEY_DAYS);
            let secrets_key = secrets_key(reader);
            let secret_key: Option<Option<String>> = reader.optional("CLERK_SECRET_KEY");
            let base = reader.optional("CLERK_API_BASE");
            Some(Self {
                listen: listen?,
                database_url: database_url?,
                migrate_at_start: migrate_at_start?,
                broker_url: broker_url?,
                identity: identity?,
                starting_balance_cents: starting_balance?.count(),
                signing_keys_replaced_after: replaced_after(signing_key_days?),
                secrets_key: secrets_key?,
                clerk: clerk_api(secret_key?, base?),
            })
        })
    }
}

fn secrets_key(reader: &mut Reader<'_>) -> Option<SealingKey> {
    let text = reader.secret(SECRETS_KEY)?;
    match SealingKey::parse(&text) {
        Ok(key) => Some(key),
        Err(error) => reader.problem(format!("{SECRETS_KEY} is malformed: {error}")),
    }
}

fn replaced_after(days: u32) -> Option<Duration> {
    (days > 0).then(|| DAY * days)
}

fn clerk_api(secret_key: Option<String>, base: Option<Url>) -> Option<ClerkApi> {
    let secret_key = SecretString::from(secret_key?);
    Some(ClerkApi { secret_key, base })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::Config;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn environment(starting_balance: Option<&str>) -> HashMap<String, String> {
        let settings = [
            ("AUTH_DATABASE_URL", Some("mongodb://127.0.0.1/auth")),
            ("MESSAGE_BROKER_URL", Some("amqp://127.0.0.1")),
            (
                "SERVICE_IDENTITY_SECRET",
                Some("a secret of thirty-two characters or more"),
            ),
            ("AUTH_SECRETS_KEY", Some(KEY)),
            ("STARTING_BALANCE", starting_balance),
        ];
        settings
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned())))
            .collect()
    }

    #[test]
    fn the_starting_balance_is_read_exactly() {
        let cents = |text| Config::read(&environment(text)).map(|it| it.starting_balance_cents);
        assert_eq!(cents(None).unwrap(), 400_000_000);
        assert_eq!(cents(Some("0.07")).unwrap(), 7);
        let problems = cents(Some("1.005")).unwrap_err().problems;
        assert!(problems[0].starts_with("STARTING_BALANCE is malformed"));
    }

    #[test]
    fn a_malformed_key_is_named_and_not_shown() {
        let mut environment = environment(None);
        environment.insert("AUTH_SECRETS_KEY".to_owned(), "hush".to_owned());
        let problems = Config::read(&environment).unwrap_err().problems;
        let expected = "AUTH_SECRETS_KEY is malformed: must be 32 bytes as 64 hexadecimal digits";
        assert_eq!(problems, [expected]);
    }

    #[test]
    fn signing_keys_are_replaced_after_some_days_or_by_hand() {
        let after = |days: Option<&str>| {
            let mut environment = environment(None);
            let days = days.map(|days| ("SIGNING_KEY_DAYS".to_owned(), days.to_owned()));
            environment.extend(days);
            let config = Config::read(&environment).unwrap();
            config.signing_keys_replaced_after
        };
        assert_eq!(after(None), Some(90 * super::DAY));
        assert_eq!(after(Some("1")), Some(super::DAY));
        assert_eq!(after(Some("0")), None);
    }
}
