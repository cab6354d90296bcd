use std::time::Duration;

use reen_chassis::config::{ConfigError, Environment, Listen, Reader};
use reen_chassis::identity::Identity;
use secrecy::SecretString;
use url::Url;

const SWEEP_EVERY_SECONDS: u64 = 5;
/// Longer than any call lasts: what is older was left behind.
const SWEEP_AFTER_SECONDS: u64 = 60;

/// The settings of this service.
#[derive(Clone, Debug)]
pub struct Config {
    /// `BIND_HOST`, `PRODUCTS_PORT`, `PRODUCTS_ADMIN_PORT`.
    pub listen: Listen,
    /// `PRODUCTS_DATABASE_URL`, with the database's name.
    pub database_url: SecretString,
    /// `MIGRATE_AT_START`: whether it brings its database up to date before it serves.
    pub migrate_at_start: bool,
    /// `MESSAGE_BROKER_URL`, where it announces what changed; it does without while that is away.
    pub broker_url: SecretString,
    /// `SERVICE_IDENTITY_SECRET`.
    pub identity: Identity,
    /// `AUTH_SERVICE_URL`, whose ledger takes the fees.
    pub auth: Vec<Url>,
    /// `CART_ITEMS_SERVICE_URL`, which withdrawn products leave.
    pub cart_items: Vec<Url>,
    /// `PRODUCTS_SWEEP_SECONDS`: how often it looks for what a crash left half done.
    pub sweep_every: Duration,
    /// `PRODUCTS_SWEEP_AFTER_SECONDS`: how old that has to be.
    pub sweep_after: Duration,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// Every key that is missing or malformed.
    pub fn read(environment: &dyn Environment) -> Result<Self, ConfigError> {
        Reader::read(environment, |reader| {
            let listen = reader.listen("PRODUCTS", 50052, 9102);
            let database_url = reader.secret("PRODUCTS_DATABASE_URL");
            let migrate_at_start = reader.or("MIGRATE_AT_START", true);
            let broker_url = reader.secret("MESSAGE_BROKER_URL");
            let identity = reader.identity(crate::NAME);
            let auth = reader.peers("AUTH_SERVICE_URL", "http://127.0.0.1:50051");
            let cart_items = reader.peers("CART_ITEMS_SERVICE_URL", "http://127.0.0.1:50053");
            let every = reader.or("PRODUCTS_SWEEP_SECONDS", SWEEP_EVERY_SECONDS);
            let after = reader.or("PRODUCTS_SWEEP_AFTER_SECONDS", SWEEP_AFTER_SECONDS);
            Some(Self {
                listen: listen?,
                database_url: database_url?,
                migrate_at_start: migrate_at_start?,
                broker_url: broker_url?,
                identity: identity?,
                auth: auth?,
                cart_items: cart_items?,
                sweep_every: Duration::from_secs(every?),
                sweep_after: Duration::from_secs(after?),
            })
        })
    }
}
