//! `cargo xtask`: everything that is done with this repository from a command line.
//!
//! It starts what the mesh needs, starts the mesh, shows a purchase, checks the layers and runs
//! the tests. It knows none of the other crates: they are built and run as a user would run them.

mod backends;
mod check;
mod layout;
mod ports;
mod process;
mod progress;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::layout::Layout;

/// Build, run and check REEN.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// MongoDB, RabbitMQ and Redis for development and tests.
    Backends {
        #[command(subcommand)]
        action: backends::Action,
    },
    /// Layers between crates, rooms inside an app, sizes of files and functions.
    Check,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let layout = Layout::of_workspace();
    match command {
        Command::Backends { action } => {
            backends::run(&layout, action)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check => check::run(&layout),
    }
}
