//! `reen-sims stripe`, `reen-sims clerk`, `reen-sims collector` and `reen-sims mail`: run one stand-in, configured from
//! the environment or the command line.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use reen_sims::clerk::{self, ClerkSim};
use reen_sims::collector::Collector;
use reen_sims::mail::{self, MailSim};
use reen_sims::stripe::{self, StripeSim};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Stand-ins for the outside parties of the mesh, for development and tests.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    sim: Sim,
}

#[derive(Subcommand)]
enum Sim {
    /// Stripe: Checkout Sessions, refunds, hosted payment page, webhooks.
    Stripe,
    /// Clerk: users, session tokens and their keys, a sign-in page, webhooks.
    Clerk,
    /// A collector of traces: prints each as a tree.
    Collector {
        /// Where processes export to: `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317`.
        #[arg(long, default_value = "127.0.0.1:4317")]
        listen: SocketAddr,
        /// Prints only traces that begin with what has this in its name, e.g. `POST`.
        #[arg(long, default_value = "")]
        only: String,
        /// Ends after the first one.
        #[arg(long)]
        first: bool,
    },
    /// A mail server: takes letters by SMTP and names each.
    Mail {
        /// Where letters are sent to: `SMTP_URL=smtp://127.0.0.1:1025`.
        #[arg(long, env = "MAIL_SIM_LISTEN", default_value = "127.0.0.1:1025")]
        listen: SocketAddr,
        /// Writes each letter into this folder, as `<n>.eml`.
        #[arg(long, env = "MAIL_SIM_FOLDER")]
        folder: Option<PathBuf>,
    },
}

/// A trace is printed when nothing more of it has come for this long.
const QUIET: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> ExitCode {
    let provider = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    start_logging();
    if provider.is_err() {
        tracing::warn!("another TLS provider was installed before ring");
    }
    let outcome = match cli.sim {
        Sim::Stripe => run_stripe().await,
        Sim::Clerk => run_clerk().await,
        Sim::Collector {
            listen,
            only,
            first,
        } => run_collector(listen, only, first).await,
        Sim::Mail { listen, folder } => run_mail(listen, folder).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reen-sims: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run_stripe() -> anyhow::Result<()> {
    let config = stripe::Config::from_env()?;
    let sim = StripeSim::build(config).await?;
    tracing::info!(base_url = sim.base_url(), "the Stripe stand-in listens");
    sim.run(shutdown_on_signal()?).await
}

async fn run_clerk() -> anyhow::Result<()> {
    let sim = ClerkSim::build(clerk::Config::from_env()?).await?;
    tracing::info!(base_url = sim.base_url(), "the Clerk stand-in listens");
    sim.run(shutdown_on_signal()?).await
}

async fn run_collector(listen: SocketAddr, only: String, first: bool) -> anyhow::Result<()> {
    let collector = Collector::bind(listen).await?;
    tracing::info!(endpoint = collector.endpoint(), "the collector listens");
    let traces = collector.traces();
    let shutdown = shutdown_on_signal()?;
    let shown = shutdown.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(QUIET).await;
            let mut quiet = traces.take_quiet_for(QUIET);
            quiet.retain(|trace| trace.roots().iter().any(|it| it.name.contains(&only)));
            quiet.truncate(if first { 1 } else { usize::MAX });
            quiet.iter().for_each(|trace| println!("{trace}"));
            if first && !quiet.is_empty() {
                shown.cancel();
            }
        }
    });
    collector.run(shutdown).await
}

async fn run_mail(listen: SocketAddr, folder: Option<PathBuf>) -> anyhow::Result<()> {
    let mut config = mail::Config::at(listen);
    config.folder = folder;
    let sim = MailSim::build(config).await?;
    tracing::info!(smtp_url = sim.smtp_url(), "the mail stand-in listens");
    sim.run(shutdown_on_signal()?).await;
    Ok(())
}

fn start_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stdout().is_terminal())
        .init();
}

/// A token that is cancelled by SIGINT or SIGTERM.
fn shutdown_on_signal() -> anyhow::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        token.cancel();
    });
    Ok(shutdown)
}
