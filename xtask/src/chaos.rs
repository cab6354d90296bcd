//! `cargo xtask chaos`: purchases while processes, lines and backends fail.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::interrupt::Interrupt;
use crate::layout::Layout;
use crate::process::cargo;
use crate::{backends, suite};

/// One run.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ChaosOptions {
    /// How many purchases are begun.
    #[arg(long, default_value_t = 1_000)]
    purchases: u64,
    /// How many processes and backends get SIGKILL.
    #[arg(long, default_value_t = 40)]
    kills: u64,
    /// The same seed makes the same plan and the same buyers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many buy at the same time.
    #[arg(long, default_value_t = 16)]
    buyers: usize,
    /// How many of a hundred webhooks come several times.
    #[arg(long, default_value_t = 20)]
    duplicates: u32,
    /// All roles are one process: whoever is killed, all are.
    #[arg(long)]
    together: bool,
    /// Build with optimisations.
    #[arg(long)]
    release: bool,
}

/// Builds what is needed and runs it; answers with its own exit code.
pub(crate) fn run(layout: &Layout, options: ChaosOptions) -> Result<ExitCode> {
    backends::require_programs(layout)?;
    build(layout, options.release)?;
    let numbers = [
        ("--purchases", options.purchases.to_string()),
        ("--kills", options.kills.to_string()),
        ("--seed", options.seed.to_string()),
        ("--buyers", options.buyers.to_string()),
        ("--duplicates", options.duplicates.to_string()),
    ];
    let program = layout.programs(options.release)?.join("reen-chaos");
    let mut command = Command::new(&program);
    for (name, number) in &numbers {
        command.args([*name, number]);
    }
    if options.together {
        command.arg("--together");
    }
    // Ctrl-C is the program's: it ends what it has started.
    let _interrupt = Interrupt::watch()?;
    let status = command
        .current_dir(layout.root())
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    Ok(suite::exit_code(status))
}

fn build(layout: &Layout, release: bool) -> Result<()> {
    let mut command = Command::new(cargo());
    command.current_dir(layout.root()).args([
        "build",
        "--locked",
        "--bin",
        "reen",
        "--bin",
        "reen-chaos",
    ]);
    if release {
        command.arg("--release");
    }
    if !command.status().context("cannot run cargo")?.success() {
        bail!("the build failed");
    }
    Ok(())
}
