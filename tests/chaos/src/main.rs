//! `reen-chaos`: one run with a seed, one table.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use reen_chaos::{Options, Plan, Report, run};

/// Buys while processes, lines and backends fail, and checks that every payment had one end.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// How many purchases are begun.
    #[arg(long, default_value_t = 1_000)]
    purchases: u64,
    /// How many processes and backends get SIGKILL; half as many lines are cut, and as many slowed down.
    #[arg(long, default_value_t = 40)]
    kills: u64,
    /// The same seed fails in the same places, with the same buyers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many buy at the same time.
    #[arg(long, default_value_t = 16)]
    buyers: usize,
    /// How many of a hundred webhooks come several times.
    #[arg(long, default_value_t = 20)]
    duplicates: u32,
    /// Members of MongoDB's replica set.
    #[arg(long, default_value_t = 1)]
    mongo_members: usize,
    /// All roles are one process: whoever is killed, all are.
    #[arg(long)]
    together: bool,
    /// Keep logs and data also when nothing was wrong.
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let running = in_folder(&arguments);
    let outcome = tokio::select! {
        outcome = running => outcome,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    match outcome {
        Ok(report) if report.is_clean() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("reen-chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder stays when something was wrong: the logs are in it.
async fn in_folder(arguments: &Arguments) -> Result<Report> {
    let folder = tempfile::Builder::new().prefix("reen-chaos-").tempdir()?;
    let kept: PathBuf = folder.path().to_owned();
    let outcome = run(&options(arguments), &kept).await;
    let is_clean = outcome.as_ref().is_ok_and(Report::is_clean);
    if !is_clean || arguments.keep {
        eprintln!("logs and data are in {}", folder.keep().display());
    }
    let report = outcome.with_context(|| format!("seed {}", arguments.seed))?;
    print!("{report}");
    for line in report.wrong() {
        println!("{line}");
    }
    Ok(report)
}

fn options(arguments: &Arguments) -> Options {
    Options {
        purchases: arguments.purchases,
        buyers: arguments.buyers.max(1),
        duplicates: arguments.duplicates.min(100),
        seed: arguments.seed,
        plan: Plan::seeded(arguments.seed, arguments.purchases, arguments.kills),
        together: arguments.together,
        mongo_members: arguments.mongo_members.max(1),
    }
}
