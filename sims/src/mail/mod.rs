//! A stand-in for a mail server: it takes letters by SMTP (RFC 5321), keeps them, and fails as it is told.
//!
//! It speaks without TLS and asks for no password, so that nothing but a test or a developer should send to it.
//!
//! ```no_run
//! use reen_sims::mail::{Config, Fault, MailSim};
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example() -> anyhow::Result<()> {
//! let sim = MailSim::build(Config::in_process()).await?;
//! let smtp_url = sim.smtp_url(); // SMTP_URL of the events-handler
//! let office = sim.office();
//! tokio::spawn(sim.run(CancellationToken::new()));
//! office.fail("buyer@reen.example", Fault::NotNow, 1);
//! let letters = office.taken("buyer@reen.example", 1).await;
//! println!("{smtp_url} got {}", letters[0].subject());
//! # Ok(())
//! # }
//! ```

mod config;
mod fault;
mod folder;
mod letter;
mod lines;
mod office;
mod replies;
mod session;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::serve::Listener;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use config::{Config, Limits};
pub use fault::Fault;
pub use letter::Letter;
pub use office::Office;

use session::Session;

/// How long letters in progress may take once the stand-in is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// The stand-in, bound to its port and ready to run.
#[derive(Debug)]
pub struct MailSim {
    listener: TcpListener,
    address: SocketAddr,
    office: Office,
}

impl MailSim {
    /// Binds the port, and makes the folder if there is to be one.
    ///
    /// # Errors
    /// The address is taken, or the folder cannot be made.
    pub async fn build(config: Config) -> Result<Self> {
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.with_context(|| format!("listening on {}", config.listen))?;
        let address = listener.local_addr().context("the bound address")?;
        if let Some(folder) = &config.folder {
            let made = tokio::fs::create_dir_all(folder).await;
            made.with_context(|| format!("the folder {}", folder.display()))?;
        }
        Ok(Self {
            listener,
            address,
            office: Office::new(config.limits, config.folder),
        })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where letters are sent: the events-handler's `SMTP_URL`.
    #[must_use]
    pub fn smtp_url(&self) -> String {
        format!("smtp://{}", crate::reachable(self.address))
    }

    /// For what it takes, and for making it fail, after it was moved into a task.
    #[must_use]
    pub fn office(&self) -> Office {
        self.office.clone()
    }

    /// Serves until `shutdown`, or until it is dropped. Senders are told when it stops; letters in progress get two
    /// seconds.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let places = Arc::new(Semaphore::new(self.office.limits().connections));
        let sessions = TaskTracker::new();
        let cut = CancellationToken::new();
        let _cut_at_the_end = cut.clone().drop_guard();
        loop {
            let (stream, _) = tokio::select! {
                accepted = Listener::accept(&mut self.listener) => accepted,
                () = shutdown.cancelled() => break,
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                turn_away(stream).await;
                continue;
            };
            let session = Session::new(stream, self.office.clone(), shutdown.clone());
            sessions.spawn(cut.clone().run_until_cancelled_owned(async move {
                if let Err(error) = session.run().await {
                    tracing::debug!(%error, "a sender's connection failed");
                }
                drop(place);
            }));
        }
        drop(self.listener);
        sessions.close();
        tokio::time::timeout(GRACE, sessions.wait()).await.ok();
    }
}

async fn turn_away(mut stream: TcpStream) {
    // A new connection has room for one line: this does not wait for the sender.
    let told = stream.write_all(replies::TOO_MANY_CONNECTIONS.as_bytes());
    tokio::time::timeout(GRACE, told).await.ok();
}
