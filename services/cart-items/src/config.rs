use reen_chassis::config::{ConfigError, Environment, Listen, Reader};
use reen_chassis::identity::Identity;
use secrecy::SecretString;
use url::Url;

/// The settings of this service.
#[derive(Clone, Debug)]
pub struct Config {
    /// `BIND_HOST`, `CART_ITEMS_PORT`, `CART_ITEMS_ADMIN_PORT`.
    pub listen: Listen,
    /// `CART_ITEMS_DATABASE_URL`, with the database's name.
    pub database_url: SecretString,
    /// `MIGRATE_AT_START`: whether it brings its database up to date before it serves.
    pub migrate_at_start: bool,
    /// `SERVICE_IDENTITY_SECRET`.
    pub identity: Identity,
    /// `PRODUCTS_SERVICE_URL`, to check stock.
    pub products: Vec<Url>,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// Every key that is missing or malformed.
    pub fn read(environment: &dyn Environment) -> Result<Self, ConfigError> {
        Reader::read(environment, |reader| {
            let listen = reader.listen("CART_ITEMS", 50053, 9103);
            let database_url = reader.secret("CART_ITEMS_DATABASE_URL");
            let migrate_at_start = reader.or("MIGRATE_AT_START", true);
            let identity = reader.identity(crate::NAME);
            let products = reader.peers("PRODUCTS_SERVICE_URL", "http://127.0.0.1:50052");
            Some(Self {
                listen: listen?,
                database_url: database_url?,
                migrate_at_start: migrate_at_start?,
                identity: identity?,
                products: products?,
            })
        })
    }
}
