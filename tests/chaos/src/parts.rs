//! What there is to kill, and the lines between.

use std::fmt;

/// A process of the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    /// Identity, sessions, the ledger.
    Auth,
    /// The catalogue and its stock.
    Products,
    /// What each user means to buy.
    CartItems,
    /// From a cart to a payment page.
    Checkout,
    /// What was bought.
    Orders,
    /// Webhooks as sagas.
    EventsHandler,
    /// Its second replica.
    SecondEventsHandler,
    /// REST in, gRPC out.
    Gateway,
}

impl Process {
    /// In the order in which they are started.
    pub const ALL: [Self; 8] = [
        Self::Auth,
        Self::Products,
        Self::CartItems,
        Self::Checkout,
        Self::Orders,
        Self::EventsHandler,
        Self::SecondEventsHandler,
        Self::Gateway,
    ];
    /// Those that others call.
    pub const SERVICES: [Self; 5] = [
        Self::Auth,
        Self::Products,
        Self::CartItems,
        Self::Checkout,
        Self::Orders,
    ];
    /// Those with a database of their own.
    pub const STORES: [Self; 6] = [
        Self::Auth,
        Self::Products,
        Self::CartItems,
        Self::Checkout,
        Self::Orders,
        Self::EventsHandler,
    ];

    /// As in `reen serve ROLE`.
    #[must_use]
    pub fn role(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Products => "products",
            Self::CartItems => "cart-items",
            Self::Checkout => "checkout",
            Self::Orders => "orders",
            Self::EventsHandler | Self::SecondEventsHandler => "events-handler",
            Self::Gateway => "gateway",
        }
    }

    /// What its settings begin with, except for the name of the events-handler's database.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Auth => "AUTH",
            Self::Products => "PRODUCTS",
            Self::CartItems => "CART_ITEMS",
            Self::Checkout => "CHECKOUT",
            Self::Orders => "ORDERS",
            Self::EventsHandler | Self::SecondEventsHandler => "EVENTS_HANDLER",
            Self::Gateway => "GATEWAY",
        }
    }

    /// The setting that names its database.
    pub(crate) fn database_key(self) -> String {
        match self {
            Self::EventsHandler | Self::SecondEventsHandler => "EVENTS_DATABASE_URL".to_owned(),
            other => format!("{}_DATABASE_URL", other.prefix()),
        }
    }

    /// The name of its database.
    pub(crate) fn database(self) -> String {
        format!("reen_{}", self.role().replace('-', "_"))
    }
}

impl fmt::Display for Process {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.role())?;
        if *self == Self::SecondEventsHandler {
            formatter.write_str("-2")?;
        }
        Ok(())
    }
}

/// A server that the mesh needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The primary of the replica set.
    Mongo,
    /// The only node.
    RabbitMq,
    /// The cache.
    Redis,
}

impl fmt::Display for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Mongo => "MongoDB",
            Self::RabbitMq => "RabbitMQ",
            Self::Redis => "Redis",
        })
    }
}

/// A kind of connection, which goes through a proxy of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// From a process to its database.
    Database(Process),
    /// From every process to RabbitMQ.
    Broker,
    /// From every process to Redis.
    Cache,
    /// From every caller to a service.
    Service(Process),
    /// From the mesh to Stripe.
    Stripe,
    /// From Stripe to the gateway.
    Webhooks,
}

impl Line {
    /// Every line of the mesh.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let databases = Process::STORES.into_iter().map(Self::Database);
        let services = Process::SERVICES.into_iter().map(Self::Service);
        databases
            .chain(services)
            .chain([Self::Broker, Self::Cache, Self::Stripe, Self::Webhooks])
            .collect()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(process) => write!(formatter, "{process} to MongoDB"),
            Self::Broker => formatter.write_str("all to RabbitMQ"),
            Self::Cache => formatter.write_str("all to Redis"),
            Self::Service(process) => write!(formatter, "all to {process}"),
            Self::Stripe => formatter.write_str("the mesh to Stripe"),
            Self::Webhooks => formatter.write_str("Stripe to the gateway"),
        }
    }
}
