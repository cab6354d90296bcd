//! Start, users, stop.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use secrecy::SecretString;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::tokens::Signer;
use super::{Config, Event, User, Webhooks, routes};
use crate::reachable;

/// What the handlers share.
pub(super) struct Sim {
    pub(super) base_url: String,
    pub(super) secret_key: SecretString,
    pub(super) signer: Signer,
    pub(super) is_away: AtomicBool,
    users: Mutex<HashMap<String, User>>,
    webhooks: Option<Webhooks>,
}

impl Sim {
    fn users(&self) -> MutexGuard<'_, HashMap<String, User>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn user(&self, id: &str) -> Option<User> {
        self.users().get(id).cloned()
    }

    pub(super) fn user_by_email(&self, email: &str) -> Option<User> {
        let users = self.users();
        users.values().find(|user| user.email == email).cloned()
    }

    /// Keeps a user as they are now, and tells of it.
    pub(super) fn keep(&self, user: &User) {
        let known = self.users().insert(user.id.clone(), user.clone());
        let event = match known {
            Some(_) => Event::updated(user),
            None => Event::created(user),
        };
        self.tell(event);
    }

    pub(super) fn forget(&self, id: &str) -> bool {
        let forgotten = self.users().remove(id);
        if let Some(user) = &forgotten {
            self.tell(Event::deleted(user));
        }
        forgotten.is_some()
    }

    /// A session token for a user, as the browser gets it.
    pub(super) fn token(&self, user: &str, party: Option<&str>) -> Result<String> {
        self.signer
            .sign(&Signer::claims(&self.base_url, user, party))
    }

    fn tell(&self, event: Event) {
        if let Some(webhooks) = self.webhooks.clone() {
            tokio::spawn(async move {
                if let Err(error) = webhooks.deliver(&event).await {
                    tracing::warn!(event = event.id, %error, "a webhook was given up");
                }
            });
        }
    }
}

/// The stand-in, bound to its port and ready to run.
pub struct ClerkSim {
    listener: TcpListener,
    sim: Arc<Sim>,
}

/// Steers a stand-in in the same process.
#[derive(Clone)]
pub struct Handle {
    sim: Arc<Sim>,
}

impl Handle {
    /// Keeps a user, new or changed, and tells of it.
    pub fn keep(&self, user: &User) {
        self.sim.keep(user);
    }

    /// Deletes a user and tells of it; whether there was one.
    #[must_use]
    pub fn forget(&self, id: &str) -> bool {
        self.sim.forget(id)
    }

    /// A session token for a user, good for a minute, got by a page of `party`.
    ///
    /// # Errors
    /// When nothing can be signed.
    pub fn token(&self, user: &str, party: Option<&str>) -> Result<String> {
        self.sim.token(user, party)
    }

    /// The claims that [`Self::token`] would make now.
    #[must_use]
    pub fn claims(&self, user: &str) -> Value {
        Signer::claims(&self.sim.base_url, user, None)
    }

    /// A token that says anything.
    ///
    /// # Errors
    /// When nothing can be signed.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        self.sim.signer.sign(claims)
    }

    /// The keys that verify the tokens (RFC 7517).
    #[must_use]
    pub fn keys(&self) -> Value {
        self.sim.signer.published()
    }

    /// Signs with another key from now on; what the first one signed stays good.
    pub fn rotate_keys(&self) {
        self.sim.signer.rotate();
    }

    /// Whether the API answers 503 to everything from now on.
    pub fn be_away(&self, is_away: bool) {
        self.sim.is_away.store(is_away, Ordering::Relaxed);
    }
}

impl ClerkSim {
    /// Binds the port.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn build(config: Config) -> Result<Self> {
        let listener = TcpListener::bind((config.host.as_str(), config.port))
            .await
            .with_context(|| format!("listening on {}:{}", config.host, config.port))?;
        let address: SocketAddr = listener.local_addr().context("the bound address")?;
        let sim = Sim {
            base_url: format!("http://{}", reachable(address)),
            secret_key: config.secret_key,
            signer: Signer::new()?,
            is_away: AtomicBool::new(false),
            users: Mutex::default(),
            webhooks: config.webhooks,
        };
        Ok(Self {
            listener,
            sim: Arc::new(sim),
        })
    }

    /// Who issues the tokens (`CLERK_ISSUER`), and where the sign-in page is.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.sim.base_url.clone()
    }

    /// The API with its version (`CLERK_API_BASE`).
    #[must_use]
    pub fn api_base(&self) -> String {
        format!("{}/v1", self.sim.base_url)
    }

    /// For steering it after it was moved into a task.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle {
            sim: Arc::clone(&self.sim),
        }
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn run(self, shutdown: CancellationToken) -> Result<()> {
        axum::serve(self.listener, routes::all(self.sim))
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await
            .context("serving")
    }
}
