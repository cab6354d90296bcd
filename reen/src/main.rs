//! The one binary of the mesh: each process is this binary in a role of its own.

mod allocator;
mod cli;
mod health;
mod roles;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use reen_chassis::config::{ConfigError, Environment, ProcessEnvironment, Reader};
use reen_chassis::shutdown::{Shutdown, Signals, StopTimes};
use reen_chassis::{jwt, neighbours, telemetry};

use crate::roles::{App, Role};

/// The REEN mesh.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// Print what an operator's command says as JSON.
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves one role, or the whole mesh in this process.
    Serve {
        /// Which one.
        role: Role,
    },

    /// Whether a process is ready, as its admin listener says. Exit codes: 0 it is, 1 it is not.
    Health(health::Check),

    #[command(flatten)]
    Operate(cli::Command),
}

/// What a process reads whatever its role.
struct Settings {
    telemetry: telemetry::Settings,
    stop_times: StopTimes,
}

impl Settings {
    fn read(environment: &dyn Environment) -> Result<Self, ConfigError> {
        Reader::read(environment, |reader| {
            let telemetry = telemetry::Settings::read(reader);
            let stop_times = StopTimes::read(reader);
            Some(Self {
                telemetry: telemetry?,
                stop_times: stop_times?,
            })
        })
    }
}

fn main() -> ExitCode {
    // Both are refused only when they are installed already, which is as good.
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
    jwt::install();
    let Arguments { json, command } = Arguments::parse();
    match command {
        Command::Serve { role } => exit_code(serve(role)),
        Command::Health(check) => exit_code(check.run()),
        Command::Operate(command) => operate(command, json),
    }
}

fn exit_code(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reen: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn operate(command: cli::Command, json: bool) -> ExitCode {
    cli::run(command, json, &ProcessEnvironment).await
}

fn serve(role: Role) -> anyhow::Result<()> {
    let (settings, apps) = read(role, &ProcessEnvironment)?;
    if role == Role::All {
        neighbours::introduce();
    }
    allocator::tell();
    let runtime = tokio::runtime::Runtime::new().context("no threads can be started")?;
    let outcome = runtime.block_on(async {
        let started = settings.telemetry.start(&role.name());
        started.context("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used")?;
        let outcome = serve_until_stopped(apps, settings.stop_times).await;
        telemetry::flush().await;
        outcome
    });
    // Nobody waits for what was cut off.
    runtime.shutdown_background();
    outcome
}

/// Reads all settings before anything is started, so that all that is wrong with them is told at once.
fn read(role: Role, environment: &dyn Environment) -> Result<(Settings, Vec<App>), ConfigError> {
    match (Settings::read(environment), role.read(environment)) {
        (Ok(settings), Ok(apps)) => Ok((settings, apps)),
        (settings, apps) => Err(ConfigError::all_of([settings.err(), apps.err()])),
    }
}

async fn serve_until_stopped(apps: Vec<App>, times: StopTimes) -> anyhow::Result<()> {
    let signals = Signals::catch().context("signals cannot be listened to")?;
    let shutdown = Shutdown::default();
    let outcome = tokio::select! {
        outcome = roles::serve(apps, &shutdown) => outcome,
        cut_off = signals.lead(&shutdown, times) => Err(cut_off.into()),
    };
    match &outcome {
        Ok(()) => tracing::info!("stopped"),
        Err(error) => tracing::error!(error = format!("{error:#}"), "ended"),
    }
    outcome
}
