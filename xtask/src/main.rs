//! `cargo xtask`: everything that is done with this repository from a command line.
//!
//! It starts what the mesh needs, starts the mesh, shows a purchase, checks the layers and runs
//! the tests. Of the other crates it knows `reen-backends` alone: they are built and run as a user would
//! run them.

mod backends;
mod bench;
mod chaos;
mod check;
mod demo;
mod interrupt;
mod layout;
mod mesh;
mod openapi;
mod process;
mod progress;
mod python;
mod settings;
mod suite;
mod tools;
mod trace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use reen_backends::ports;

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
    /// Backends, build, mesh, catalogue, a purchase; then serve until Ctrl-C.
    Up(mesh::UpOptions),
    /// End the mesh and the backends.
    Down,
    /// Show every process: port, health, uptime, memory.
    Status,
    /// Show what the processes have written.
    Logs {
        /// One process or backend; all processes when left out.
        name: Option<String>,
        /// Go on with what is added.
        #[arg(long, short)]
        follow: bool,
    },
    /// Buy something in the running mesh and verify it to the cent.
    Demo(demo::DemoOptions),
    /// MongoDB, RabbitMQ and Redis for development and tests.
    Backends {
        #[command(subcommand)]
        action: backends::Action,
    },
    /// Buy while processes, lines and backends fail, and check that every payment had one end.
    Chaos(chaos::ChaosOptions),
    /// Start a release mesh of its own and measure what every route costs.
    Bench(bench::BenchOptions),
    /// Buy something on a mesh of its own, and show all that the payment caused as a tree.
    Trace,
    /// Run a command of the binary `reen` on the running mesh, e.g. `reen saga list`.
    Reen {
        /// What `reen` is given.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The Python environment that some tests ask, for `cargo test` by hand.
    Python,
    /// Write docs/openapi from the routes of the gateway.
    Openapi,
    /// Layers between crates, rooms inside an app, sizes of files and functions.
    Check,
    /// Format, check, clippy, documentation, licences, and all tests on real backends.
    Test {
        /// Run only the tests whose names contain one of these, and nothing else.
        filters: Vec<String>,
    },
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
    interrupt::end_when_nobody_reads()?;
    let layout = Layout::of_workspace();
    match command {
        Command::Up(options) => return mesh::up(&layout, options),
        Command::Chaos(options) => return chaos::run(&layout, options),
        Command::Bench(options) => return bench::run(&layout, &options),
        Command::Reen { arguments } => return mesh::operate(&layout, &arguments),
        Command::Trace => return trace::run(&layout),
        Command::Check => return check::run(&layout),
        Command::Openapi => return openapi::run(&layout),
        Command::Test { filters } => return suite::run(&layout, &filters),
        Command::Python => python::require(&layout)?,
        Command::Down => mesh::down(&layout)?,
        Command::Status => mesh::status(&layout),
        Command::Logs { name, follow } => mesh::logs(&layout, name.as_deref(), follow)?,
        Command::Demo(options) => demo::run(&layout, options)?,
        Command::Backends { action } => backends::run(&layout, action)?,
    }
    Ok(ExitCode::SUCCESS)
}
