//! The environment of every process: all of it for each, as `.env` would give it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use reen_backends::ports;
use reen_testkit::IDENTITY_SECRET;

/// Requests a minute, and at once.
const MANY: &str = "600000/100000";

use crate::lines::Lines;
use crate::parts::{Line, Process};

pub(crate) const WEBHOOK_SECRET: &str = "whsec_chaos";
pub(crate) const STRIPE_KEY: &str = "sk_test_chaos";

/// Where the processes listen. They find their ports free again after a kill.
pub(crate) struct Ports {
    pub(crate) gateway: u16,
    services: BTreeMap<Process, u16>,
    admin: BTreeMap<Process, u16>,
    handlers: BTreeMap<Process, u16>,
}

impl Ports {
    pub(crate) fn choose() -> Result<Self> {
        let each = |processes: &[Process]| {
            let chosen = processes.iter().map(|it| Ok((*it, ports::choose()?)));
            chosen.collect::<Result<BTreeMap<_, _>>>()
        };
        Ok(Self {
            gateway: ports::choose()?,
            services: each(&Process::SERVICES)?,
            admin: each(&Process::ALL)?,
            handlers: each(&[Process::EventsHandler, Process::SecondEventsHandler])?,
        })
    }

    pub(crate) fn gateway_url(&self) -> String {
        local(self.gateway)
    }

    pub(crate) fn service_url(&self, process: Process) -> String {
        local(self.services.get(&process).copied().unwrap_or_default())
    }

    pub(crate) fn ready_url(&self, process: Process) -> String {
        let port = self.admin.get(&process).copied().unwrap_or_default();
        format!("{}/health/ready", local(port))
    }
}

fn local(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// What all have in common: where everybody else is, through the lines. Roles that are together have none
/// between them.
pub(crate) fn common(
    ports: &Ports,
    lines: &Lines,
    folder: &Path,
    together: bool,
) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut set = |key: String, value: String| drop(all.insert(key, value));
    for (service, port) in &ports.services {
        let prefix = service.prefix();
        set(format!("{prefix}_PORT"), port.to_string());
        let url = match together {
            true => local(*port),
            false => lines.url(Line::Service(*service)),
        };
        set(format!("{prefix}_SERVICE_URL"), url);
    }
    for store in Process::STORES {
        set(store.database_key(), lines.url(Line::Database(store)));
    }
    for (process, port) in &ports.admin {
        set(format!("{}_ADMIN_PORT", process.prefix()), port.to_string());
    }
    let count = if together { 1 } else { ports.handlers.len() };
    let handlers = ports.handlers.values().take(count);
    let handlers: Vec<_> = handlers.map(|port| local(*port)).collect();
    for (key, value) in [
        ("PORT", ports.gateway.to_string()),
        ("MESSAGE_BROKER_URL", lines.url(Line::Broker)),
        ("REDIS_SERVICE_URL", lines.url(Line::Cache)),
        // Counted all the same: everybody here comes from one address, and much faster than people do.
        ("RATE_LIMIT_SIGN_IN", MANY.to_owned()),
        ("RATE_LIMIT_WEBHOOK", MANY.to_owned()),
        ("RATE_LIMIT_WRITE", MANY.to_owned()),
        ("RATE_LIMIT_READ", MANY.to_owned()),
        ("STRIPE_API_BASE", lines.url(Line::Stripe)),
        ("STRIPE_SECRET_KEY", STRIPE_KEY.to_owned()),
        ("STRIPE_WEBHOOK_SIGNING_SECRET", WEBHOOK_SECRET.to_owned()),
        ("SERVICE_IDENTITY_SECRET", IDENTITY_SECRET.to_owned()),
        ("AUTH_SECRETS_KEY", "0a".repeat(32)),
        ("FRONTEND_BASE_URL", "http://localhost:3000".to_owned()),
        ("MAIL_DIR", folder.join("mail").display().to_string()),
        ("EVENTS_HANDLER_SERVICE_URL", handlers.join(",")),
        ("RUST_BACKTRACE", "1".to_owned()),
        ("RUST_LOG", log_filter()),
    ] {
        set(key.to_owned(), value);
    }
    all
}

/// What one process has of its own: replicas differ in their ports.
pub(crate) fn own(ports: &Ports, process: Process) -> BTreeMap<String, String> {
    let mut own = BTreeMap::new();
    if let Some(port) = ports.admin.get(&process) {
        own.insert(format!("{}_ADMIN_PORT", process.prefix()), port.to_string());
    }
    if let Some(port) = ports.handlers.get(&process) {
        own.insert(format!("{}_PORT", process.prefix()), port.to_string());
    }
    own
}

fn log_filter() -> String {
    std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned())
}
