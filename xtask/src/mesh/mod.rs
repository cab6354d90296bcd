//! `cargo xtask up | down | status | logs`: the whole mesh, each role as a process of its own, or all in one.

mod health;
mod launch;
mod logs;
mod plan;
mod roles;
mod run_file;
mod secrets;
mod status;
mod variables;

use std::fs;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use self::launch::Started;
use self::plan::Division;
use crate::backends::Backends;
use crate::interrupt::Interrupt;
use crate::layout::Layout;
use crate::settings::Settings;
use crate::{backends, demo, process, progress};

pub(crate) use self::logs::logs;
pub(crate) use self::roles::COMMON;
pub(crate) use self::run_file::Run;
pub(crate) use self::secrets::random_hex;
pub(crate) use self::status::status;

/// How `up` runs.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct UpOptions {
    /// Build with optimisations.
    #[arg(long)]
    release: bool,
    /// Return once all is healthy; `cargo xtask down` ends it.
    #[arg(long)]
    detach: bool,
    /// All roles in one process, which call each other without a connection.
    #[arg(long)]
    together: bool,
    /// Do not buy anything.
    #[arg(long)]
    no_demo: bool,
}

/// Brings up backends and mesh, fills an empty catalogue, buys something, and serves.
pub(crate) fn up(layout: &Layout, options: UpOptions) -> Result<ExitCode> {
    let last = Run::load(layout);
    if launch::is_healthy(&last) {
        println!("The mesh is running already.");
        show_off(layout, options)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut mesh = Mesh::start(layout, options, &Settings::of_user(layout))?;
    let shown = show_off(layout, options);
    if options.detach {
        shown?;
        println!("cargo xtask down ends it");
        return Ok(ExitCode::SUCCESS);
    }
    if let Err(error) = &shown {
        eprintln!("error: {error:#}\nThe mesh itself is running; its logs may tell more.");
    }
    println!("serving; Ctrl-C stops everything");
    mesh.watch();
    mesh.end(layout)?;
    Ok(if shown.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A mesh that is there for one piece of work.
pub(crate) struct Fresh {
    /// Built with optimisations.
    pub(crate) release: bool,
    /// All roles in one process.
    pub(crate) together: bool,
    /// A variable that every process reads, beside the usual ones.
    pub(crate) variable: Option<(&'static str, String)>,
}

/// Does `work` with a fresh mesh and fresh backends beside the user's own, and ends them.
pub(crate) fn with_fresh(
    layout: &Layout,
    fresh: Fresh,
    work: impl FnOnce(&Backends) -> Result<ExitCode>,
) -> Result<ExitCode> {
    down(layout)?;
    let data = layout.private();
    if data.exists() {
        fs::remove_dir_all(&data)
            .with_context(|| format!("cannot remove the last run's {}", data.display()))?;
    }
    let options = UpOptions {
        release: fresh.release,
        detach: false,
        together: fresh.together,
        no_demo: true,
    };
    let settings = Settings::of_user(layout).with(fresh.variable);
    let mesh = Mesh::start(layout, options, &settings)?;
    let outcome = work(&Backends::load(layout));
    mesh.end(layout)?;
    outcome
}

/// Ends mesh and backends, as far as they were started from here.
pub(crate) fn down(layout: &Layout) -> Result<()> {
    launch::stop(layout, &Run::load(layout))?;
    backends::down(layout, &backends::NAMES)
}

/// A mesh that this xtask has started.
struct Mesh {
    processes: Vec<Started>,
    /// Only those that were not there before.
    backends: Vec<&'static str>,
    interrupt: Interrupt,
}

impl Mesh {
    fn start(layout: &Layout, options: UpOptions, settings: &Settings) -> Result<Self> {
        let _lock = layout.lock("mesh")?;
        let interrupt = Interrupt::watch()?;
        launch::stop(layout, &Run::load(layout)).context("the last mesh cannot be ended")?;
        let up = backends::up(layout, &variables::needed_backends(settings))?;
        let mut mesh = Self {
            processes: Vec::new(),
            backends: up.started,
            interrupt,
        };
        match mesh.start_processes(layout, options, settings, &up.backends) {
            Ok(processes) => mesh.processes = processes,
            Err(error) => {
                mesh.end(layout)?;
                return Err(error);
            }
        }
        Ok(mesh)
    }

    fn start_processes(
        &self,
        layout: &Layout,
        options: UpOptions,
        settings: &Settings,
        backends: &Backends,
    ) -> Result<Vec<Started>> {
        build(layout, options.release)?;
        warn_of_half_set_stripe(settings);
        let programs = layout.programs(options.release)?;
        let division = match options.together {
            true => Division::Together,
            false => Division::Apart,
        };
        let plan = plan::make(layout, settings, backends, &programs, division)?;
        launch::start(layout, &plan, &self.interrupt)
    }

    /// Returns at Ctrl-C. A process that ends by itself is reported and the others go on.
    fn watch(&mut self) {
        while !self.interrupt.is_set() {
            self.processes.retain_mut(|started| {
                let Ok(Some(status)) = started.child.try_wait() else {
                    return true;
                };
                let end = process::tail(&started.log, 15);
                eprintln!(
                    "{} has ended ({status}). The end of its log:\n{end}",
                    started.name
                );
                false
            });
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn end(&self, layout: &Layout) -> Result<()> {
        launch::stop(layout, &Run::load(layout))?;
        backends::down(layout, &self.backends)
    }
}

/// Runs a command for operators with the settings of the running mesh.
pub(crate) fn operate(layout: &Layout, arguments: &[String]) -> Result<ExitCode> {
    let run = Run::load(layout);
    if run.reen.is_empty() {
        bail!("the mesh is not running: cargo xtask up");
    }
    let status = Command::new(&run.reen)
        .args(arguments)
        .env_clear()
        .envs(&run.operators)
        .status()
        .with_context(|| format!("cannot run {}", run.reen))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(2)))
}

/// Cargo shows its own progress.
pub(crate) fn build(layout: &Layout, release: bool) -> Result<()> {
    let mut command = Command::new(process::cargo());
    command
        .current_dir(layout.root())
        .args(["build", "--bin", "reen", "--bin", "reen-sims"]);
    if release {
        command.arg("--release");
    }
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("the build failed");
    }
    Ok(())
}

fn warn_of_half_set_stripe(settings: &Settings) {
    let has_secret = settings.get("STRIPE_WEBHOOK_SIGNING_SECRET").is_some();
    if variables::uses_real_stripe(settings) && !has_secret {
        progress::note(
            "STRIPE_SECRET_KEY is a real one, but STRIPE_WEBHOOK_SIGNING_SECRET is not set: \
             Stripe's webhooks will be refused",
        );
    }
}

fn show_off(layout: &Layout, options: UpOptions) -> Result<()> {
    let run = Run::load(layout);
    demo::fill_catalogue(&run)?;
    let bought = if options.no_demo {
        Ok(())
    } else {
        demo::narrate(&run)
    };
    print_what_to_open(&run);
    bought
}

fn print_what_to_open(run: &Run) {
    println!();
    println!("  API         {}/api/v1", run.gateway);
    println!("  Swagger UI  {}/api-gateway/documentation", run.gateway);
    match &run.stripe {
        Some(stripe) => {
            println!(
                "  payments    {stripe} stands in for Stripe: open a checkout's stripeSessionUrl;"
            );
            println!("              4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined");
        }
        None => println!("  payments    Stripe itself: open a checkout's stripeSessionUrl"),
    }
    if let Some(clerk) = &run.clerk {
        println!("  identity    {clerk}/sign-in stands in for Clerk, and hands out session tokens");
    }
    match &run.mail_dir {
        Some(folder) => println!("  e-mails     {folder}"),
        None => println!("  e-mails     sent by SMTP"),
    }
    println!("  logs        cargo xtask logs [process] --follow");
    println!("  also        cargo xtask demo --purchases 20 | status | down");
    println!();
}
