use reen_chassis::config::{ConfigError, Environment, Listen, Reader};
use reen_chassis::identity::Identity;
use secrecy::SecretString;

/// The settings of this service.
#[derive(Clone, Debug)]
pub struct Config {
    /// `BIND_HOST`, `ORDERS_PORT`, `ORDERS_ADMIN_PORT`.
    pub listen: Listen,
    /// `ORDERS_DATABASE_URL`, with the database's name.
    pub database_url: SecretString,
    /// `MIGRATE_AT_START`: whether it brings its database up to date before it serves.
    pub migrate_at_start: bool,
    /// `MESSAGE_BROKER_URL`.
    pub broker_url: SecretString,
    /// `SERVICE_IDENTITY_SECRET`.
    pub identity: Identity,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// Every key that is missing or malformed.
    pub fn read(environment: &dyn Environment) -> Result<Self, ConfigError> {
        Reader::read(environment, |reader| {
            let listen = reader.listen("ORDERS", 50055, 9105);
            let database_url = reader.secret("ORDERS_DATABASE_URL");
            let migrate_at_start = reader.or("MIGRATE_AT_START", true);
            let broker_url = reader.secret("MESSAGE_BROKER_URL");
            let identity = reader.identity(crate::NAME);
            Some(Self {
                listen: listen?,
                database_url: database_url?,
                migrate_at_start: migrate_at_start?,
                broker_url: broker_url?,
                identity: identity?,
            })
        })
    }
}
