use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use reen_chassis::config::{ConfigError, Environment, Reader};
use reen_chassis::identity::Identity;
use secrecy::SecretString;
use url::Url;

use crate::limits::{Limits, TrustedProxies};
use crate::origins::Origins;
use crate::svix_signature::SvixSecret;
use crate::tokens::{ClerkIssuer, Parties};

const PUBLIC_PORT: u16 = 8000;
const ADMIN_PORT: u16 = 9100;
const REQUEST_TIMEOUT_MS: u64 = 10_000;
const BODY_LIMIT_BYTES: usize = 1024 * 1024;
const MAX_IN_FLIGHT: NonZeroU32 = match NonZeroU32::new(512) {
    Some(most) => most,
    None => NonZeroU32::MIN,
};
const MAX_CONNECTIONS: NonZeroUsize = match NonZeroUsize::new(4_096) {
    Some(most) => most,
    None => NonZeroUsize::MIN,
};
const CACHE_BYTES: u64 = 32 * 1024 * 1024;

/// The settings of the gateway.
#[derive(Clone, Debug)]
pub struct Config {
    /// `BIND_HOST`, `PORT`: where clients call; port 0 takes a free one.
    pub listen: SocketAddr,
    /// `BIND_HOST`, `GATEWAY_ADMIN_PORT`: health and metrics.
    pub admin: SocketAddr,
    /// `SERVICE_IDENTITY_SECRET`.
    pub identity: Identity,
    /// `AUTH_SERVICE_URL` … `EVENTS_HANDLER_SERVICE_URL`.
    pub peers: PeerAddresses,
    /// `MESSAGE_BROKER_URL`.
    pub broker_url: SecretString,
    /// `STRIPE_WEBHOOK_SIGNING_SECRET`.
    pub stripe_webhook_secret: SecretString,
    /// `CLERK_WEBHOOK_SIGNING_SECRET`; absent when Clerk is not used.
    pub clerk_webhook_secret: Option<SvixSecret>,
    /// `RATE_LIMIT_SIGN_IN`, `RATE_LIMIT_WEBHOOK`, `RATE_LIMIT_WRITE`, `RATE_LIMIT_READ`.
    pub limits: Limits,
    /// `REDIS_SERVICE_URL`: where all gateways count and remember together; absent, each does for itself.
    pub redis_url: Option<SecretString>,
    /// `CACHE_BYTES`: how much of its memory the gateway fills with public answers; 0 remembers none.
    pub cache_bytes: u64,
    /// `TRUSTED_PROXIES`: whose `X-Forwarded-For` is believed, addresses and networks separated by commas.
    pub proxies: TrustedProxies,
    /// Whose session tokens are taken beside our own; absent when Clerk is not used.
    pub clerk: Option<ClerkIssuer>,
    /// `FRONTEND_BASE_URL`: whose pages may call from a browser, separated by commas.
    pub origins: Origins,
    /// `COOKIE_SECURE`: whether the refresh cookie travels over TLS only.
    pub secure_cookies: bool,
    /// `REQUEST_TIMEOUT_MS`: how long a request may take, from its first byte to the answer.
    pub request_timeout: Duration,
    /// `BODY_LIMIT_BYTES`: the longest body that is read.
    pub body_limit: usize,
    /// `MAX_IN_FLIGHT`: how many requests are worked on at once; the next ones are refused.
    pub in_flight: NonZeroU32,
    /// `MAX_CONNECTIONS`: how many connections there are at once; the next ones wait.
    pub connections: NonZeroUsize,
}

/// Where the services are; several addresses of one are its replicas.
#[derive(Clone, Debug)]
pub struct PeerAddresses {
    /// `AUTH_SERVICE_URL`.
    pub auth: Vec<Url>,
    /// `PRODUCTS_SERVICE_URL`.
    pub products: Vec<Url>,
    /// `CART_ITEMS_SERVICE_URL`.
    pub cart_items: Vec<Url>,
    /// `CHECKOUT_SERVICE_URL`.
    pub checkout: Vec<Url>,
    /// `ORDERS_SERVICE_URL`.
    pub orders: Vec<Url>,
    /// `EVENTS_HANDLER_SERVICE_URL`, for operators only.
    pub events_handler: Vec<Url>,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// Every key that is missing or malformed.
    pub fn read(environment: &dyn Environment) -> Result<Self, ConfigError> {
        Reader::read(environment, |reader| {
            let listen = reader.address("PORT", PUBLIC_PORT);
            let admin = reader.address("GATEWAY_ADMIN_PORT", ADMIN_PORT);
            let identity = reader.identity(crate::NAME);
            let peers = read_peers(reader);
            let broker_url = reader.secret("MESSAGE_BROKER_URL");
            let stripe_webhook_secret = reader.secret("STRIPE_WEBHOOK_SIGNING_SECRET");
            let clerk_webhook_secret = reader.optional("CLERK_WEBHOOK_SIGNING_SECRET");
            let issuer = reader.optional("CLERK_ISSUER");
            let parties = reader.or("CLERK_AUTHORIZED_PARTIES", Parties::default());
            let limits = Limits::read(reader);
            let redis_url: Option<Option<String>> = reader.optional("REDIS_SERVICE_URL");
            let cache_bytes = reader.or("CACHE_BYTES", CACHE_BYTES);
            let proxies = reader.or("TRUSTED_PROXIES", TrustedProxies::default());
            let origins = reader.or("FRONTEND_BASE_URL", Origins::default());
            let secure_cookies = reader.optional("COOKIE_SECURE");
            let request_timeout = read_timeout(reader);
            let body_limit = reader.or("BODY_LIMIT_BYTES", BODY_LIMIT_BYTES);
            let in_flight = reader.or("MAX_IN_FLIGHT", MAX_IN_FLIGHT);
            let connections = reader.or("MAX_CONNECTIONS", MAX_CONNECTIONS);
            let origins = origins?;
            Some(Self {
                listen: listen?,
                admin: admin?,
                identity: identity?,
                peers: peers?,
                broker_url: broker_url?,
                stripe_webhook_secret: stripe_webhook_secret?,
                clerk_webhook_secret: clerk_webhook_secret?,
                limits: limits?,
                redis_url: redis_url?.map(SecretString::from),
                cache_bytes: cache_bytes?,
                proxies: proxies?,
                clerk: clerk_issuer(issuer?, parties?),
                // A browser keeps no Secure cookie that came over plain HTTP.
                secure_cookies: secure_cookies?.unwrap_or(!origins.are_local()),
                origins,
                request_timeout: request_timeout?,
                body_limit: body_limit?,
                in_flight: in_flight?,
                connections: connections?,
            })
        })
    }
}

fn clerk_issuer(issuer: Option<Url>, authorized_parties: Parties) -> Option<ClerkIssuer> {
    Some(ClerkIssuer {
        issuer: issuer?.to_string(),
        authorized_parties,
    })
}

fn read_peers(reader: &mut Reader<'_>) -> Option<PeerAddresses> {
    let auth = reader.peers("AUTH_SERVICE_URL", "http://127.0.0.1:50051");
    let products = reader.peers("PRODUCTS_SERVICE_URL", "http://127.0.0.1:50052");
    let cart_items = reader.peers("CART_ITEMS_SERVICE_URL", "http://127.0.0.1:50053");
    let checkout = reader.peers("CHECKOUT_SERVICE_URL", "http://127.0.0.1:50054");
    let orders = reader.peers("ORDERS_SERVICE_URL", "http://127.0.0.1:50055");
    let events_handler = reader.peers("EVENTS_HANDLER_SERVICE_URL", "http://127.0.0.1:50056");
    Some(PeerAddresses {
        auth: auth?,
        products: products?,
        cart_items: cart_items?,
        checkout: checkout?,
        orders: orders?,
        events_handler: events_handler?,
    })
}

fn read_timeout(reader: &mut Reader<'_>) -> Option<Duration> {
    match reader.or("REQUEST_TIMEOUT_MS", REQUEST_TIMEOUT_MS)? {
        0 => reader.problem("REQUEST_TIMEOUT_MS must be more than 0".to_owned()),
        millis => Some(Duration::from_millis(millis)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::Config;

    fn environment(more: &[(&str, &str)]) -> HashMap<String, String> {
        [
            (
                "SERVICE_IDENTITY_SECRET",
                "a secret for tests of thirty-two characters",
            ),
            ("MESSAGE_BROKER_URL", "amqp://127.0.0.1"),
            ("STRIPE_WEBHOOK_SIGNING_SECRET", "whsec_test"),
        ]
        .iter()
        .chain(more)
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
    }

    #[test]
    fn the_defaults_are_those_of_a_developer() {
        let config = Config::read(&environment(&[])).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
        assert_eq!(config.peers.orders[0].as_str(), "http://127.0.0.1:50055/");
        assert!(!config.secure_cookies);
    }

    #[test]
    fn cookies_are_secure_unless_every_page_is_local() {
        let secure = |origins| {
            let environment = environment(&[("FRONTEND_BASE_URL", origins)]);
            Config::read(&environment).unwrap().secure_cookies
        };
        assert!(!secure("http://localhost:3000,http://localhost:3001"));
        assert!(secure("http://localhost:3000,https://shop.example"));
        assert!(secure("http://shop.example"));
    }

    #[test]
    fn every_problem_is_named() {
        let environment = HashMap::from([
            ("FRONTEND_BASE_URL".to_owned(), "shop".to_owned()),
            ("REQUEST_TIMEOUT_MS".to_owned(), "0".to_owned()),
            (
                "CLERK_WEBHOOK_SIGNING_SECRET".to_owned(),
                "hushhush".to_owned(),
            ),
        ]);
        let problems = Config::read(&environment).unwrap_err().problems.join("\n");
        for key in [
            "SERVICE_IDENTITY_SECRET",
            "MESSAGE_BROKER_URL",
            "STRIPE_WEBHOOK_SIGNING_SECRET",
            "CLERK_WEBHOOK_SIGNING_SECRET",
            "FRONTEND_BASE_URL",
            "REQUEST_TIMEOUT_MS",
        ] {
            assert!(problems.contains(key), "{key} in {problems}");
        }
        assert!(!problems.contains("hushhush"), "{problems}");
    }
}
