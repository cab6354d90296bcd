//! `reen-bench`: what every route of a running mesh costs, as processor time and as time to wait.
//!
//! `cargo xtask bench` starts a mesh of its own and runs this on it. Each row is measured twice: with as
//! many requests at once as there are connections (a closed loop: how much it can do, and what a request
//! costs), and at half that rate, each request at its own moment (an open loop: how long somebody waits
//! who does not care whether others are being served). Beside the rows of the mesh stand two servers
//! of this binary that do almost nothing: the floor.
//!
//! Processor time is read from the system for each process, so that it does not matter what else the
//! machine is doing; waiting times and requests per second do depend on that.
//!
//! | file | holds |
//! | --- | --- |
//! | `rows`, `purchase` | what is asked for |
//! | `people`, `catalogue` | who asks, and for which products |
//! | `ask`, `connection`, `load/` | asking, in a closed and in an open loop |
//! | `usage`, `allocations` | processor time and memory of processes, and how often they ask for memory |
//! | `floor` | the servers that do almost nothing |
//! | `measure`, `report/` | one row after the other, and what is told of them |

mod allocations;
mod ask;
mod catalogue;
mod connection;
mod floor;
mod load;
mod measure;
mod mesh;
mod people;
mod purchase;
mod report;
mod rows;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::mesh::Mesh;

#[derive(Parser)]
#[command(version, about = "What every route of a running mesh costs")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure a mesh.
    Run(Options),
    /// Serve as little as can be: one of the floors.
    Floor {
        /// What is served.
        #[arg(value_enum)]
        kind: floor::Kind,
        /// The database to look into, for `find-one`.
        #[arg(long, env = "FLOOR_DATABASE_URL", hide_env_values = true)]
        database: Option<String>,
    },
}

/// How a mesh is measured.
#[derive(Clone, Debug, clap::Args)]
struct Options {
    /// The run file of the mesh.
    #[arg(long)]
    mesh: PathBuf,
    /// Another process to watch, as `name=pid`; a backend, for instance.
    #[arg(long, value_parser = mesh::named_pid)]
    beside: Vec<(String, u32)>,
    /// How long each loop of a row goes on, in seconds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// How many connections ask at once.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// How many products there are; several numbers make several passes.
    #[arg(long, value_delimiter = ',', default_value = "1000")]
    products: Vec<u64>,
    /// Only rows whose names contain one of these.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Where the table goes as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Where the plot goes.
    #[arg(long)]
    plot: Option<PathBuf>,
}

impl Options {
    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|part| row.contains(part.as_str()))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(options) => run(&options).await,
        Command::Floor { kind, database } => floor::serve(kind, database).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reen-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<()> {
    let mesh = Mesh::load(&options.mesh, &options.beside)?;
    let table = measure::all(&mesh, options).await?;
    println!("\n{table}");
    if let Some(path) = &options.json {
        report::write_json(&table, path)?;
    }
    if let Some(path) = &options.plot {
        report::plot(&table, path)?;
    }
    table.require_clean()
}
