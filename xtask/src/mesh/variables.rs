//! Every variable of the mesh and its value: the user's, else one chosen here.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use super::plan::Division;
use super::roles::{self, ROLES, Role};
use super::secrets::{Secrets, random_hex};
use crate::backends::Backends;
use crate::layout::Layout;
use crate::ports;
use crate::settings::Settings;

pub(super) const BROKER_URL: &str = "MESSAGE_BROKER_URL";
pub(super) const REDIS_URL: &str = "REDIS_SERVICE_URL";
pub(super) const STRIPE_API_BASE: &str = "STRIPE_API_BASE";
pub(super) const STRIPE_SIM_PORT: &str = "STRIPE_SIM_PORT";
pub(super) const WEBHOOK_SECRET: &str = "STRIPE_WEBHOOK_SIGNING_SECRET";
pub(super) const CLERK_ISSUER: &str = "CLERK_ISSUER";
pub(super) const CLERK_SIM_PORT: &str = "CLERK_SIM_PORT";
pub(super) const SMTP_URL: &str = "SMTP_URL";
const MAIL_SIM_LISTEN: &str = "MAIL_SIM_LISTEN";
pub(super) const MAIL_SIM_FOLDER: &str = "MAIL_SIM_FOLDER";
/// What Clerk's stand-in knows of its customer: what its API is asked with, and what signs its webhooks.
pub(super) const CLERK_SECRETS: [&str; 2] = ["CLERK_SECRET_KEY", "CLERK_WEBHOOK_SIGNING_SECRET"];

const GATEWAY_PORT: u16 = 8000;
const HOST: &str = "http://127.0.0.1";

/// The backends that the user has not named in the mesh's own settings.
pub(crate) fn needed_backends(settings: &Settings) -> Vec<&'static str> {
    let is_unset = |key: &str| settings.get(key).is_none();
    let mut databases = ROLES.iter().filter(|role| role.database.is_some());
    let needed = [
        (
            "mongo",
            databases.any(|role| is_unset(&role.database_url())),
        ),
        ("rabbitmq", is_unset(BROKER_URL)),
        ("redis", is_unset(REDIS_URL)),
    ];
    needed
        .into_iter()
        .filter_map(|(name, is_needed)| is_needed.then_some(name))
        .collect()
}

/// Whether Stripe itself is meant: a real key, and no other address for it.
pub(crate) fn uses_real_stripe(settings: &Settings) -> bool {
    let is_real = |key: &str| key.starts_with("sk_test_") || key.starts_with("sk_live_");
    settings.get("STRIPE_API_BASE").is_none()
        && settings.get("STRIPE_SECRET_KEY").is_some_and(is_real)
}

/// Seven processes share this machine: with a thread for each processor in each of them, threads would
/// mostly wake each other up.
fn workers() -> String {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (processors / 4).max(1).to_string()
}

/// The values of one start.
pub(super) struct Variables<'a> {
    settings: &'a Settings,
    chosen: BTreeMap<String, String>,
}

impl<'a> Variables<'a> {
    /// Chooses all that the user has left open.
    pub(super) fn choose_for(
        layout: &Layout,
        settings: &'a Settings,
        backends: &Backends,
        division: Division,
    ) -> Result<Self> {
        let mut variables = Self {
            settings,
            chosen: BTreeMap::new(),
        };
        variables.choose(roles::HUGE_PAGES, "0");
        if division == Division::Apart {
            variables.choose(roles::WORKERS, workers());
        }
        variables.choose_ports()?;
        variables.choose_backends(backends);
        variables.choose_outside_parties(layout, &Secrets::load_or_make(layout)?)?;
        Ok(variables)
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.settings
            .get(key)
            .or_else(|| self.chosen.get(key).map(String::as_str))
    }

    pub(super) fn required(&self, key: &str) -> Result<&str> {
        self.get(key).with_context(|| format!("{key} has no value"))
    }

    /// Whether Stripe's stand-in belongs to this mesh.
    pub(super) fn has_stripe_sim(&self) -> bool {
        self.settings.get(STRIPE_API_BASE).is_none() && !uses_real_stripe(self.settings)
    }

    /// Whether Clerk's stand-in belongs to this mesh: the user has said nothing of one.
    pub(super) fn has_clerk_sim(&self) -> bool {
        let of_clerk = ["CLERK_SECRET_KEY", "CLERK_API_BASE", CLERK_ISSUER];
        of_clerk.iter().all(|key| self.settings.get(key).is_none())
    }

    /// Whether a mail server's stand-in belongs to this mesh.
    pub(super) fn has_mail_sim(&self) -> bool {
        self.settings.get(SMTP_URL).is_none()
    }

    pub(super) fn gateway(&self) -> Result<String> {
        self.local("PORT")
    }

    pub(super) fn admin(&self, role: &Role) -> Result<String> {
        self.local(&role.admin_port())
    }

    /// The base URL of a port on this machine.
    pub(super) fn local(&self, port_key: &str) -> Result<String> {
        Ok(format!("{HOST}:{}", self.required(port_key)?))
    }

    /// These, as far as they have a value.
    pub(super) fn only(&self, keys: &[&str]) -> BTreeMap<String, String> {
        keys.iter()
            .filter_map(|key| Some(((*key).to_owned(), self.get(key)?.to_owned())))
            .collect()
    }

    /// Everything that begins with a role's own prefix, also what xtask has never heard of.
    pub(super) fn beginning_with(&self, prefix: &str) -> BTreeMap<String, String> {
        let chosen = self
            .chosen
            .iter()
            .filter(|(key, _)| key.starts_with(prefix));
        chosen
            .chain(self.settings.beginning_with(prefix))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    fn choose(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.chosen.insert(key.into(), value.into());
    }

    fn choose_ports(&mut self) -> Result<()> {
        for role in &ROLES {
            self.choose_port(&role.admin_port(), ports::choose()?)?;
            if role.is_service {
                self.choose_port(&role.grpc_port(), ports::choose()?)?;
                self.choose(role.service_url(), self.local(&role.grpc_port())?);
            }
        }
        self.choose_port("PORT", ports::keep_or_choose(Some(GATEWAY_PORT))?)?;
        if self.has_stripe_sim() {
            self.choose_port(STRIPE_SIM_PORT, ports::choose()?)?;
        }
        if self.has_clerk_sim() {
            self.choose_port(CLERK_SIM_PORT, ports::choose()?)?;
        }
        Ok(())
    }

    /// A port that the user asks for is not exchanged for another one silently.
    fn choose_port(&mut self, key: &str, free: u16) -> Result<()> {
        self.choose(key, free.to_string());
        let text = self.required(key)?;
        let port = text
            .parse()
            .with_context(|| format!("{key}={text} is not a port"))?;
        if !ports::is_free(port) {
            bail!("port {port} is taken by another process; set {key} to a free one");
        }
        Ok(())
    }

    /// A backend without an address is one that the user has named everywhere.
    fn choose_backends(&mut self, backends: &Backends) {
        if let Some(mongo) = &backends.mongo {
            for (role, database) in ROLES.iter().filter_map(|role| Some((role, role.database?))) {
                let url = with_database(mongo, &format!("reen_{database}"));
                self.choose(role.database_url(), url);
            }
        }
        if let Some(broker) = &backends.broker {
            self.choose(BROKER_URL, broker);
        }
        if let Some(redis) = &backends.redis {
            self.choose(REDIS_URL, redis);
        }
    }

    fn choose_outside_parties(&mut self, layout: &Layout, secrets: &Secrets) -> Result<()> {
        self.choose(roles::IDENTITY_SECRET, &secrets.service_identity);
        self.choose("AUTH_SECRETS_KEY", &secrets.auth_secrets_key);
        self.choose(WEBHOOK_SECRET, &secrets.stripe_webhook_signing);
        self.choose("STRIPE_SECRET_KEY", &secrets.stripe_secret_key);
        if self.has_stripe_sim() {
            self.choose(STRIPE_API_BASE, self.local(STRIPE_SIM_PORT)?);
            let webhooks = format!("{}/api/v1/webhooks/stripe", self.gateway()?);
            self.choose("STRIPE_SIM_WEBHOOK_URL", webhooks);
            let state = layout.private().join("stripe.json");
            self.choose("STRIPE_SIM_STATE", state.display().to_string());
        }
        // A machine that measures comes from one address, and faster than people do.
        for class in ["SIGN_IN", "WEBHOOK", "WRITE", "READ"] {
            self.choose(format!("RATE_LIMIT_{class}"), "6000000/1000000");
        }
        if self.has_clerk_sim() {
            self.choose_clerk_sim()?;
        }
        if self.has_mail_sim() {
            self.choose_mail_sim(layout)?;
        }
        Ok(())
    }

    fn choose_mail_sim(&mut self, layout: &Layout) -> Result<()> {
        let folder = layout.private_folder("mail")?;
        self.choose("MAIL_DIR", folder.display().to_string());
        // The processes run in the workspace's root, whatever the user's own folder is.
        let folder = layout.root().join(self.required("MAIL_DIR")?);
        self.choose(MAIL_SIM_FOLDER, folder.display().to_string());
        self.choose(MAIL_SIM_LISTEN, format!("127.0.0.1:{}", ports::choose()?));
        let url = format!("smtp://{}", self.required(MAIL_SIM_LISTEN)?);
        self.choose(SMTP_URL, url);
        Ok(())
    }

    /// Its users live as long as it does, and so do its secrets.
    fn choose_clerk_sim(&mut self) -> Result<()> {
        let issuer = self.local(CLERK_SIM_PORT)?;
        self.choose("CLERK_API_BASE", format!("{issuer}/v1"));
        self.choose(CLERK_ISSUER, issuer);
        let [secret_key, signing] = CLERK_SECRETS;
        self.choose(secret_key, format!("sk_test_{}", random_hex()?));
        // Hexadecimal digits are digits of base64 as well.
        self.choose(signing, format!("whsec_{}", random_hex()?));
        let webhooks = format!("{}/api/v1/webhooks/clerk", self.gateway()?);
        self.choose("CLERK_SIM_WEBHOOK_URL", webhooks);
        Ok(())
    }
}

/// `mongodb://host/?options` with the database's name between.
fn with_database(server: &str, database: &str) -> String {
    let (address, options) = server.split_once('?').unwrap_or((server, ""));
    let question = if options.is_empty() { "" } else { "?" };
    format!(
        "{}/{database}{question}{options}",
        address.trim_end_matches('/')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_the_user_names_is_not_needed() {
        let settings = Settings::from([(REDIS_URL, "redis://a"), ("AUTH_DATABASE_URL", "b")]);
        assert_eq!(needed_backends(&settings), ["mongo", "rabbitmq"]);
    }

    #[test]
    fn a_database_stands_between_address_and_options() {
        assert_eq!(
            with_database("mongodb://a:1/?b=c", "d"),
            "mongodb://a:1/d?b=c"
        );
        assert_eq!(with_database("mongodb://a:1", "d"), "mongodb://a:1/d");
    }

    #[test]
    fn a_port_that_is_asked_for_and_taken_is_an_error() {
        let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = holder.local_addr().unwrap().port().to_string();
        let settings = Settings::from([("AUTH_PORT", taken.as_str())]);
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::below(root.path());
        let backends = Backends::default();
        let outcome = Variables::choose_for(&layout, &settings, &backends, Division::Apart);
        let Err(error) = outcome else {
            panic!("port {taken} was accepted");
        };
        assert!(error.to_string().contains("AUTH_PORT"), "{error}");
    }
}
