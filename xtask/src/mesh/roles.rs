//! The processes of the mesh, and which setting each of them needs.

/// One role of the binary `reen`.
#[derive(Debug)]
pub(crate) struct Role {
    /// As in `reen serve NAME`.
    pub(crate) name: &'static str,
    /// Its own settings begin with this, like `AUTH_DATABASE_URL`.
    pub(crate) prefix: &'static str,
    /// A gRPC service, or a process that only calls others.
    pub(crate) is_service: bool,
    /// The name of its database, when it has one.
    pub(crate) database: Option<&'static str>,
    /// Settings of others that it reads.
    pub(crate) needs: &'static [&'static str],
}

/// In the order in which they are started; they end in the opposite order.
pub(crate) const ROLES: [Role; 7] = [
    service(
        "auth",
        "AUTH",
        "auth",
        &[
            "MESSAGE_BROKER_URL",
            "STARTING_BALANCE",
            "SIGNING_KEY_DAYS",
            "CLERK_SECRET_KEY",
            "CLERK_API_BASE",
        ],
    ),
    service(
        "products",
        "PRODUCTS",
        "products",
        &[
            "AUTH_SERVICE_URL",
            "CART_ITEMS_SERVICE_URL",
            "MESSAGE_BROKER_URL",
        ],
    ),
    service(
        "cart-items",
        "CART_ITEMS",
        "cart_items",
        &["PRODUCTS_SERVICE_URL"],
    ),
    service(
        "checkout",
        "CHECKOUT",
        "checkout",
        &[
            "AUTH_SERVICE_URL",
            "PRODUCTS_SERVICE_URL",
            "CART_ITEMS_SERVICE_URL",
            "FRONTEND_BASE_URL",
            "STRIPE_SECRET_KEY",
            "STRIPE_API_BASE",
        ],
    ),
    service(
        "orders",
        "ORDERS",
        "orders",
        &["PRODUCTS_SERVICE_URL", "MESSAGE_BROKER_URL"],
    ),
    Role {
        name: "events-handler",
        prefix: "EVENTS",
        is_service: true,
        database: Some("events"),
        needs: &[
            "AUTH_SERVICE_URL",
            "PRODUCTS_SERVICE_URL",
            "CART_ITEMS_SERVICE_URL",
            "CHECKOUT_SERVICE_URL",
            "ORDERS_SERVICE_URL",
            "MESSAGE_BROKER_URL",
            "STRIPE_SECRET_KEY",
            "STRIPE_API_BASE",
            "SMTP_URL",
            "MAIL_DIR",
            "MAIL_FROM",
            "FRONTEND_BASE_URL",
        ],
    },
    Role {
        name: "gateway",
        prefix: "GATEWAY",
        is_service: false,
        database: None,
        needs: &[
            "PORT",
            "AUTH_SERVICE_URL",
            "PRODUCTS_SERVICE_URL",
            "CART_ITEMS_SERVICE_URL",
            "CHECKOUT_SERVICE_URL",
            "ORDERS_SERVICE_URL",
            "EVENTS_HANDLER_SERVICE_URL",
            "MESSAGE_BROKER_URL",
            "FRONTEND_BASE_URL",
            "COOKIE_SECURE",
            "BODY_LIMIT_BYTES",
            "REQUEST_TIMEOUT_MS",
            "MAX_IN_FLIGHT",
            "MAX_CONNECTIONS",
            "STRIPE_WEBHOOK_SIGNING_SECRET",
            "CLERK_WEBHOOK_SIGNING_SECRET",
            "CLERK_ISSUER",
            "REDIS_SERVICE_URL",
            "CACHE_BYTES",
            "TRUSTED_PROXIES",
            "RATE_LIMIT_SIGN_IN",
            "RATE_LIMIT_WEBHOOK",
            "RATE_LIMIT_WRITE",
            "RATE_LIMIT_READ",
            "CLERK_AUTHORIZED_PARTIES",
        ],
    },
];

impl Role {
    pub(super) fn admin_port(&self) -> String {
        format!("{}_ADMIN_PORT", self.listener())
    }

    pub(super) fn grpc_port(&self) -> String {
        format!("{}_PORT", self.listener())
    }

    pub(super) fn service_url(&self) -> String {
        format!("{}_SERVICE_URL", self.listener())
    }

    /// The one that is not made of the prefix: its database is of events, what listens is the handler.
    fn listener(&self) -> &'static str {
        match self.prefix {
            "EVENTS" => "EVENTS_HANDLER",
            prefix => prefix,
        }
    }

    pub(super) fn database_url(&self) -> String {
        format!("{}_DATABASE_URL", self.prefix)
    }
}

/// Every process reads these, when they are set.
pub(crate) const COMMON: [&str; 13] = [
    "MIGRATE_AT_START",
    "DRAIN_SECONDS",
    "STOP_SECONDS",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_TRACES_SAMPLER_ARG",
    "PATH",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "LOG_FORMAT",
    "BIND_HOST",
    WORKERS,
    HUGE_PAGES,
];
/// Among how many threads a process divides its work.
pub(crate) const WORKERS: &str = "TOKIO_WORKER_THREADS";
/// Whether the allocator takes huge pages, of which a small process leaves most of each unused.
pub(crate) const HUGE_PAGES: &str = "MIMALLOC_ALLOW_THP";
/// Callers prove by it who they are; only roles of `reen` know it.
pub(crate) const IDENTITY_SECRET: &str = "SERVICE_IDENTITY_SECRET";

/// The process of all roles, where they are in one.
pub(crate) const ALL: &str = "all";

/// The stand-in for Stripe: a process of its own, `reen-sims stripe`.
pub(crate) const STRIPE_SIM: &str = "stripe";
/// The stand-in for Clerk: a process of its own, `reen-sims clerk`.
pub(crate) const CLERK_SIM: &str = "clerk";
/// The stand-in for a mail server: a process of its own, `reen-sims mail`.
pub(crate) const MAIL_SIM: &str = "mail";
/// They are there unless the user has the real one.
pub(crate) const SIMS: [&str; 3] = [STRIPE_SIM, CLERK_SIM, MAIL_SIM];

const fn service(
    name: &'static str,
    prefix: &'static str,
    database: &'static str,
    needs: &'static [&'static str],
) -> Role {
    Role {
        name,
        prefix,
        is_service: true,
        database: Some(database),
        needs,
    }
}

/// Every name that a process of a mesh may have, however its roles are divided.
pub(crate) fn possible_names() -> impl Iterator<Item = &'static str> {
    process_names().chain([ALL])
}

/// The stand-ins' and the roles' names in the order in which they are started.
pub(crate) fn process_names() -> impl DoubleEndedIterator<Item = &'static str> {
    SIMS.into_iter().chain(ROLES.iter().map(|role| role.name))
}
