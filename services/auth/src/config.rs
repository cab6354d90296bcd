use reen_chassis::config::{ConfigError, Environment, Listen, Reader};
use reen_chassis::identity::Identity;
use secrecy::SecretString;
use url::Url;

use crate::domain::{Cents, DEFAULT_STARTING_BALANCE};

/// The settings of this service.
#[derive(Clone, Debug)]
pub struct Config {
    /// `BIND_HOST`, `AUTH_PORT`, `AUTH_ADMIN_PORT`.
    pub listen: Listen,
    /// `AUTH_DATABASE_URL`, with the database's name.
    pub database_url: SecretString,
    /// `SERVICE_IDENTITY_SECRET`.
    pub identity: Identity,
    /// `STARTING_BALANCE`, in major units in the environment: what a new user's account opens with.
    pub starting_balance_cents: i64,
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
            let identity = reader.identity(crate::NAME);
            let starting_balance: Option<Cents> =
                reader.or("STARTING_BALANCE", DEFAULT_STARTING_BALANCE);
            let secret_key: Option<Option<String>> = reader.optional("CLERK_SECRET_KEY");
            let base = reader.optional("CLERK_API_BASE");
            Some(Self {
                listen: listen?,
                database_url: database_url?,
                identity: identity?,
                starting_balance_cents: starting_balance?.count(),
                clerk: clerk_api(secret_key?, base?),
            })
        })
    }
}

fn clerk_api(secret_key: Option<String>, base: Option<Url>) -> Option<ClerkApi> {
    let secret_key = SecretString::from(secret_key?);
    Some(ClerkApi { secret_key, base })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::Config;

    fn environment(starting_balance: Option<&str>) -> HashMap<String, String> {
        let settings = [
            ("AUTH_DATABASE_URL", Some("mongodb://127.0.0.1/auth")),
            (
                "SERVICE_IDENTITY_SECRET",
                Some("a secret of thirty-two characters or more"),
            ),
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
}
