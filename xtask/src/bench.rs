//! `cargo xtask bench`: what every route costs, on a mesh of its own.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::backends::{self, Backends};
use crate::layout::Layout;
use crate::process::cargo;
use crate::{mesh, suite};

/// One run.
#[derive(Debug, Clone, Args)]
pub(crate) struct BenchOptions {
    /// How long each loop of a row goes on, in seconds.
    #[arg(long, default_value = "5")]
    seconds: String,
    /// How many connections ask at once.
    #[arg(long, default_value = "16")]
    connections: String,
    /// How many products there are; `1000,100000` makes two passes.
    #[arg(long, default_value = "1000")]
    products: String,
    /// Only rows whose names contain one of these, separated by commas.
    #[arg(long, default_value = "")]
    rows: String,
    /// Count how often each process asks for memory, with a program built for that; processor time and
    /// memory are then those of this program, which is slower.
    #[arg(long)]
    allocations: bool,
    /// All roles in one process.
    #[arg(long)]
    together: bool,
    /// Where the table goes as JSON.
    #[arg(long, default_value = ".reen/bench.json")]
    json: PathBuf,
    /// Where the plot goes.
    #[arg(long, default_value = ".reen/bench.svg")]
    plot: PathBuf,
}

/// Builds, starts a fresh mesh, measures it, and ends it; answers with the exit code of `reen-bench`.
pub(crate) fn run(layout: &Layout, options: &BenchOptions) -> Result<ExitCode> {
    backends::require_programs(layout)?;
    build(layout, options.allocations)?;
    let aside = layout.aside("bench");
    let fresh = mesh::Fresh {
        release: true,
        together: options.together,
        variable: None,
    };
    mesh::with_fresh(&aside, fresh, |backends| {
        measure(layout, &aside, options, backends)
    })
}

fn measure(
    layout: &Layout,
    aside: &Layout,
    options: &BenchOptions,
    backends: &Backends,
) -> Result<ExitCode> {
    let program = layout.programs(true)?.join("reen-bench");
    let mut command = Command::new(&program);
    command.current_dir(layout.root()).arg("run");
    command.arg("--mesh").arg(aside.private().join("run.json"));
    for (name, pid) in &backends.pids {
        command.args(["--beside".to_owned(), format!("{name}={pid}")]);
    }
    command.args(["--seconds", &options.seconds]);
    command.args(["--connections", &options.connections]);
    command.args(["--products", &options.products]);
    if !options.rows.is_empty() {
        command.args(["--rows", &options.rows]);
    }
    command.arg("--json").arg(&options.json);
    command.arg("--plot").arg(&options.plot);
    let status = command.status();
    let status = status.with_context(|| format!("cannot run {}", program.display()))?;
    println!(
        "the table is in {}, the plot in {}",
        options.json.display(),
        options.plot.display()
    );
    Ok(suite::exit_code(status))
}

fn build(layout: &Layout, counts_allocations: bool) -> Result<()> {
    let mut command = Command::new(cargo());
    command.current_dir(layout.root()).args([
        "build",
        "--release",
        "--locked",
        "--bin",
        "reen",
        "--bin",
        "reen-sims",
        "--bin",
        "reen-bench",
    ]);
    if counts_allocations {
        command.args(["--features", "reen/count-allocations"]);
    }
    if !command.status().context("cannot run cargo")?.success() {
        bail!("the build failed");
    }
    Ok(())
}
