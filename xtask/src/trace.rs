//! `cargo xtask trace`: what one payment causes, as a tree.

use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reen_backends::ports;

use crate::layout::Layout;
use crate::mesh::{self, Fresh, Run};
use crate::{backends, demo};

/// With what the trace of a purchase begins.
const ROOT: &str = "/webhooks/stripe";
/// Processes export every few seconds.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Starts a fresh mesh that exports its traces to a collector of ours, buys something there, and shows the
/// trace that began with the payment provider's webhook.
pub(crate) fn run(layout: &Layout) -> Result<ExitCode> {
    backends::require_programs(layout)?;
    mesh::build(layout, false)?;
    let aside = layout.aside("trace");
    let address = format!("127.0.0.1:{}", ports::choose()?);
    let mut collector = Collector::start(layout, &address)?;
    let fresh = Fresh {
        release: false,
        together: false,
        variable: Some(("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"))),
    };
    mesh::with_fresh(&aside, fresh, |_| {
        let run = Run::load(&aside);
        demo::fill_catalogue(&run)?;
        demo::narrate(&run)?;
        println!();
        collector.wait()
    })
}

/// The stand-in for a collector, which prints the trace and ends.
struct Collector(Child);

impl Collector {
    fn start(layout: &Layout, address: &str) -> Result<Self> {
        let program = layout.programs(false)?.join("reen-sims");
        let mut command = Command::new(&program);
        command.args(["collector", "--listen", address, "--only", ROOT, "--first"]);
        let started = command.env("RUST_LOG", "warn").stdin(Stdio::null()).spawn();
        let started = started.with_context(|| format!("cannot run {}", program.display()))?;
        Ok(Self(started))
    }

    fn wait(&mut self) -> Result<ExitCode> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.0.try_wait()?.is_some_and(|ended| ended.success()) {
                return Ok(ExitCode::SUCCESS);
            }
            thread::sleep(LOOK_EVERY);
        }
        bail!("no trace of the purchase came within {PATIENCE:?}");
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _nobody_asks_how = self.0.wait();
    }
}
