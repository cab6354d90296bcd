use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use reen_chassis::config::{ConfigError, Environment, Listen, Reader};
use reen_chassis::identity::Identity;
use secrecy::SecretString;
use url::Url;

use crate::clients::{MailSettings, ServiceAddresses, StripeSettings};

const DEFAULT_SENDER: &str = "REEN <no-reply@reen.example>";

/// The settings of this process.
#[derive(Clone, Debug)]
pub struct Config {
    /// `BIND_HOST`, `EVENTS_HANDLER_PORT`, `EVENTS_HANDLER_ADMIN_PORT`.
    pub listen: Listen,
    /// `EVENTS_DATABASE_URL`, with the database's name.
    pub database_url: SecretString,
    /// `MIGRATE_AT_START`: whether it brings its database up to date before it serves.
    pub migrate_at_start: bool,
    /// `MESSAGE_BROKER_URL`.
    pub broker_url: SecretString,
    /// `SERVICE_IDENTITY_SECRET`.
    pub identity: Identity,
    /// `STRIPE_SECRET_KEY`, `STRIPE_API_BASE`.
    pub stripe: StripeSettings,
    /// `SMTP_URL`, `MAIL_DIR`, `MAIL_FROM`.
    pub mail: MailSettings,
    /// `FRONTEND_BASE_URL`, the first of the list: where letters send their readers.
    pub storefront: Url,
    /// `AUTH_SERVICE_URL` to `ORDERS_SERVICE_URL`.
    pub(crate) services: ServiceAddresses,
    /// `RECONCILE_EVERY_SECONDS`, and the deadlines.
    pub(crate) reconciling: Reconciling,
}

/// How often it looks for what got lost, and after how long something is reported.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reconciling {
    /// `RECONCILE_EVERY_SECONDS`: from one round to the next; never zero.
    pub(crate) every: Duration,
    /// `RECONCILE_PAID_DEADLINE_SECONDS`: a payment without an order; and how long after the page of a
    /// checkout closed Stripe is asked what became of it.
    pub(crate) paid: Duration,
    /// `RECONCILE_REFUND_DEADLINE_SECONDS`: money that has to go back, counted from its saga's beginning.
    pub(crate) refund: Duration,
    /// `RECONCILE_SAGA_DEADLINE_SECONDS`: a saga that has not ended.
    pub(crate) saga: Duration,
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// Every key that is missing or malformed.
    pub fn read(environment: &dyn Environment) -> Result<Self, ConfigError> {
        Reader::read(environment, |reader| {
            let listen = reader.listen("EVENTS_HANDLER", 50056, 9106);
            let database_url = reader.secret("EVENTS_DATABASE_URL");
            let migrate_at_start = reader.or("MIGRATE_AT_START", true);
            let broker_url = reader.secret("MESSAGE_BROKER_URL");
            let identity = reader.identity(crate::NAME);
            let stripe = read_stripe(reader);
            let mail = read_mail(reader);
            let storefronts = reader.peers("FRONTEND_BASE_URL", "http://localhost:3000");
            let services = read_services(reader);
            let reconciling = read_reconciling(reader);
            Some(Self {
                listen: listen?,
                database_url: database_url?,
                migrate_at_start: migrate_at_start?,
                broker_url: broker_url?,
                identity: identity?,
                stripe: stripe?,
                mail: mail?,
                storefront: storefronts?.into_iter().next()?,
                services: services?,
                reconciling: reconciling?,
            })
        })
    }
}

fn read_stripe(reader: &mut Reader<'_>) -> Option<StripeSettings> {
    let secret_key = reader.secret("STRIPE_SECRET_KEY");
    let api_base = reader.optional("STRIPE_API_BASE");
    Some(StripeSettings {
        secret_key: secret_key?,
        api_base: api_base?,
    })
}

fn read_mail(reader: &mut Reader<'_>) -> Option<MailSettings> {
    let from = reader.or("MAIL_FROM", DEFAULT_SENDER.to_owned());
    let smtp_url = reader.optional::<String>("SMTP_URL");
    let folder = reader.or("MAIL_DIR", PathBuf::from(".reen/mail"));
    let from = from?;
    let from: Mailbox = match from.parse() {
        Ok(mailbox) => mailbox,
        Err(error) => return reader.problem(format!("MAIL_FROM is malformed: {error}")),
    };
    Some(MailSettings {
        from,
        smtp_url: smtp_url?.map(SecretString::from),
        folder: folder?,
    })
}

fn read_reconciling(reader: &mut Reader<'_>) -> Option<Reconciling> {
    let mut seconds = |key, default| reader.or(key, default).map(Duration::from_secs);
    let every = seconds("RECONCILE_EVERY_SECONDS", 60);
    let paid = seconds("RECONCILE_PAID_DEADLINE_SECONDS", 5 * 60);
    let refund = seconds("RECONCILE_REFUND_DEADLINE_SECONDS", 10 * 60);
    let saga = seconds("RECONCILE_SAGA_DEADLINE_SECONDS", 15 * 60);
    let every = every?;
    if every.is_zero() {
        return reader.problem("RECONCILE_EVERY_SECONDS must be at least 1".to_owned());
    }
    Some(Reconciling {
        every,
        paid: paid?,
        refund: refund?,
        saga: saga?,
    })
}

fn read_services(reader: &mut Reader<'_>) -> Option<ServiceAddresses> {
    let auth = reader.peers("AUTH_SERVICE_URL", "http://127.0.0.1:50051");
    let products = reader.peers("PRODUCTS_SERVICE_URL", "http://127.0.0.1:50052");
    let cart_items = reader.peers("CART_ITEMS_SERVICE_URL", "http://127.0.0.1:50053");
    let checkout = reader.peers("CHECKOUT_SERVICE_URL", "http://127.0.0.1:50054");
    let orders = reader.peers("ORDERS_SERVICE_URL", "http://127.0.0.1:50055");
    Some(ServiceAddresses {
        auth: auth?,
        products: products?,
        cart_items: cart_items?,
        checkout: checkout?,
        orders: orders?,
    })
}
