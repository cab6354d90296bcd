use std::time::Duration;

use reen_chassis::config::{ConfigError, Environment, Listen, Reader};
use reen_chassis::identity::Identity;
use secrecy::SecretString;
use url::Url;

const MINUTE: Duration = Duration::from_secs(60);
/// Stripe takes nothing shorter than 30 minutes, counted from when the request arrives there.
const SHORTEST_MINUTES: u32 = 31;
/// Stripe takes nothing longer than 24 hours.
const LONGEST_MINUTES: u32 = 24 * 60 - 1;
const GRACE_MINUTES: u32 = 5;

/// The settings of this service.
#[derive(Clone, Debug)]
pub struct Config {
    /// `BIND_HOST`, `CHECKOUT_PORT`, `CHECKOUT_ADMIN_PORT`.
    pub listen: Listen,
    /// `CHECKOUT_DATABASE_URL`, with the database's name.
    pub database_url: SecretString,
    /// `MIGRATE_AT_START`: whether it brings its database up to date before it serves.
    pub migrate_at_start: bool,
    /// `SERVICE_IDENTITY_SECRET`.
    pub identity: Identity,
    /// `AUTH_SERVICE_URL`, to know the buyer's balance.
    pub auth: Vec<Url>,
    /// `PRODUCTS_SERVICE_URL`, to reserve stock.
    pub products: Vec<Url>,
    /// `CART_ITEMS_SERVICE_URL`, to know what is bought.
    pub cart_items: Vec<Url>,
    /// `STRIPE_SECRET_KEY`.
    pub stripe_secret_key: SecretString,
    /// `STRIPE_API_BASE`, for a stand-in; absent means Stripe itself.
    pub stripe_api_base: Option<Url>,
    /// `FRONTEND_BASE_URL`, the first of the list: where Stripe sends the buyer back to.
    pub frontend: Url,
    /// How long a checkout may be paid.
    pub terms: Terms,
    /// When what was left behind is settled; not read from the environment.
    pub sweeping: Sweeping,
}

/// How long a checkout may be paid and its stock is held.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// `CHECKOUT_TTL_MINUTES`: how long the payment page is open.
    pub open_for: Duration,
    /// `HOLD_GRACE_MINUTES`: how much longer the stock is held, for webhooks on their way.
    pub grace: Duration,
}

/// When the sweeper settles what crashes and lost webhooks left behind.
#[derive(Clone, Copy, Debug)]
pub struct Sweeping {
    /// From one round to the next; never zero.
    pub every: Duration,
    /// After this a checkout whose payment page was never opened counts as abandoned; far longer than
    /// any call lasts.
    pub abandoned_after: Duration,
}

impl Default for Sweeping {
    fn default() -> Self {
        Self {
            every: MINUTE,
            abandoned_after: 2 * MINUTE,
        }
    }
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// Every key that is missing or malformed.
    pub fn read(environment: &dyn Environment) -> Result<Self, ConfigError> {
        Reader::read(environment, |reader| {
            let listen = reader.listen("CHECKOUT", 50054, 9104);
            let database_url = reader.secret("CHECKOUT_DATABASE_URL");
            let migrate_at_start = reader.or("MIGRATE_AT_START", true);
            let identity = reader.identity(crate::NAME);
            let auth = reader.peers("AUTH_SERVICE_URL", "http://127.0.0.1:50051");
            let products = reader.peers("PRODUCTS_SERVICE_URL", "http://127.0.0.1:50052");
            let cart_items = reader.peers("CART_ITEMS_SERVICE_URL", "http://127.0.0.1:50053");
            let stripe_secret_key = reader.secret("STRIPE_SECRET_KEY");
            let stripe_api_base = reader.optional("STRIPE_API_BASE");
            let frontend = reader.peers("FRONTEND_BASE_URL", "http://localhost:3000");
            let terms = Terms::read(reader);
            Some(Self {
                listen: listen?,
                database_url: database_url?,
                migrate_at_start: migrate_at_start?,
                identity: identity?,
                auth: auth?,
                products: products?,
                cart_items: cart_items?,
                stripe_secret_key: stripe_secret_key?,
                stripe_api_base: stripe_api_base?,
                frontend: frontend?.into_iter().next()?,
                terms: terms?,
                sweeping: Sweeping::default(),
            })
        })
    }
}

impl Terms {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let open_for = reader.or("CHECKOUT_TTL_MINUTES", SHORTEST_MINUTES);
        let grace = reader.or("HOLD_GRACE_MINUTES", GRACE_MINUTES);
        let (open_for, grace) = (open_for?, grace?);
        if !(SHORTEST_MINUTES..=LONGEST_MINUTES).contains(&open_for) {
            return reader.problem(format!(
                "CHECKOUT_TTL_MINUTES must be from {SHORTEST_MINUTES} to {LONGEST_MINUTES}"
            ));
        }
        Some(Self {
            open_for: MINUTE * open_for,
            grace: MINUTE * grace,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use super::Config;

    fn environment(more: &[(&str, &str)]) -> HashMap<String, String> {
        [
            ("CHECKOUT_DATABASE_URL", "mongodb://127.0.0.1/checkout"),
            (
                "SERVICE_IDENTITY_SECRET",
                "a secret for tests of thirty-two characters",
            ),
            ("STRIPE_SECRET_KEY", "sk_test_key"),
        ]
        .iter()
        .chain(more)
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
    }

    #[test]
    fn without_a_stand_in_stripe_itself_is_meant() {
        let config = Config::read(&environment(&[])).unwrap();
        assert_eq!(config.stripe_api_base, None);
        assert_eq!(config.frontend.as_str(), "http://localhost:3000/");
        assert_eq!(config.terms.open_for, Duration::from_secs(31 * 60));
        assert_eq!(config.terms.grace, Duration::from_secs(5 * 60));
    }

    #[test]
    fn the_buyer_comes_back_to_the_first_storefront() {
        let storefronts = "https://shop.test, https://other.test";
        let config = Config::read(&environment(&[("FRONTEND_BASE_URL", storefronts)]));
        assert_eq!(config.unwrap().frontend.as_str(), "https://shop.test/");
    }

    #[test]
    fn what_stripe_would_refuse_stops_the_start() {
        for minutes in ["0", "30", "1440"] {
            let outcome = Config::read(&environment(&[("CHECKOUT_TTL_MINUTES", minutes)]));
            let problems = outcome.unwrap_err().problems;
            assert!(
                problems[0].starts_with("CHECKOUT_TTL_MINUTES"),
                "{problems:?}"
            );
        }
    }
}
