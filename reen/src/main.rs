//! The one binary of the mesh: each process is this binary in a role of its own.

mod cli;
mod health;
mod roles;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use reen_chassis::config::{ConfigError, Environment, ProcessEnvironment, Reader};
use reen_chassis::telemetry::LogFormat;
use reen_chassis::{jwt, shutdown, telemetry};

use crate::roles::Role;

/// The system's own keeps what was freed: each of many threads what one password's hash took.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

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

struct Logging {
    format: LogFormat,
    filter: String,
}

impl Logging {
    fn read(environment: &dyn Environment) -> Result<Self, ConfigError> {
        Reader::read(environment, |reader| {
            let format = reader.or("LOG_FORMAT", LogFormat::Pretty);
            let filter = reader.or("RUST_LOG", "info".to_owned());
            Some(Self {
                format: format?,
                filter: filter?,
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

#[tokio::main]
async fn serve(role: Role) -> anyhow::Result<()> {
    let logging = Logging::read(&ProcessEnvironment)?;
    telemetry::init(logging.format, &logging.filter);
    let stop = shutdown::on_signal().context("signals cannot be listened to")?;
    role.serve(stop).await
}
