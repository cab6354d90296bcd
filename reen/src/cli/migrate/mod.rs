//! `reen migrate`: what was done to the databases, and what is to be done.

mod status;
mod up;

use clap::{Args, Subcommand};
use reen_chassis::config::Environment;

use super::Said;
use super::databases::{self, Owned, Owner};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Shows each database's migrations, those that are pending, and indexes that are not as they should be.
    Status(Which),
    /// Applies what is pending, up to the first migration that takes away what older programs need.
    Up(Further),
}

#[derive(Args)]
pub(crate) struct Which {
    /// Only the database of this process.
    #[arg(long)]
    database: Option<Owner>,
}

#[derive(Args)]
pub(crate) struct Further {
    #[command(flatten)]
    which: Which,
    /// No further than to this version.
    #[arg(long)]
    to: Option<u32>,
    /// Also what takes something away: no older program runs any more.
    #[arg(long)]
    contract: bool,
}

impl Which {
    async fn open(&self, environment: &dyn Environment) -> anyhow::Result<Vec<Owned>> {
        match &self.database {
            Some(one) => databases::open(&[*one], environment).await,
            None => databases::open(&Owner::ALL, environment).await,
        }
    }
}

pub(super) async fn run(command: &Command, environment: &dyn Environment) -> anyhow::Result<Said> {
    match command {
        Command::Status(which) => status::run(&which.open(environment).await?).await,
        Command::Up(further) => up::run(further, &further.which.open(environment).await?).await,
    }
}

fn kind(is_contracting: bool) -> &'static str {
    match is_contracting {
        true => "contracting",
        false => "expanding",
    }
}
