//! `cargo xtask demo`: a purchase through the running mesh, by real HTTP calls, and its proof.

mod account;
mod api;
mod catalogue;
mod checkout;
mod mail;
mod money;
mod narrator;
mod purchase;
mod series;

use anyhow::{Result, bail};
use clap::Args;

use crate::layout::Layout;
use crate::mesh::Run;

pub(crate) use self::catalogue::fill_catalogue;
pub(crate) use self::purchase::narrate;

/// How `demo` runs.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct DemoOptions {
    /// Buy that many times and show how long it takes from the payment to the order.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    purchases: u32,

    /// So many buyers buy at the same time, each one purchase after the other.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    buyers: u32,

    /// All of them buy the same product.
    #[arg(long)]
    hot: bool,
}

/// Narrates one purchase, or measures many.
pub(crate) fn run(layout: &Layout, options: DemoOptions) -> Result<()> {
    let run = Run::load(layout);
    if run.running().is_empty() {
        bail!("the mesh is not running: cargo xtask up");
    }
    match options.purchases {
        1 => narrate(&run),
        many => series::measure(&run, many, options.buyers, options.hot),
    }
}
