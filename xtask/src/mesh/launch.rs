//! Starting and ending the processes of the mesh.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::health;
use super::plan::{Plan, Planned};
use super::roles::{ALL, ROLES, SIMS, possible_names};
use super::run_file::Run;
use crate::interrupt::Interrupt;
use crate::layout::Layout;
use crate::{process, progress};

const START_PATIENCE: Duration = Duration::from_secs(60);
/// More than `STOP_SECONDS`, after which a process ends by itself.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// A process that this xtask started.
pub(crate) struct Started {
    pub(crate) name: &'static str,
    pub(crate) child: Child,
    pub(crate) log: PathBuf,
}

/// Starts all processes and waits until each is ready. Their ids are noted one by one, so that
/// they can be ended whatever happens to this xtask.
pub(crate) fn start(layout: &Layout, plan: &Plan, interrupt: &Interrupt) -> Result<Vec<Started>> {
    let mut run = plan.run.clone();
    let mut all = Vec::new();
    forget_other_logs(layout, plan)?;
    for planned in &plan.processes {
        let log = layout.log_of(planned.name)?;
        let child = process::start_detached(&mut command(layout, planned), &log)?;
        run.processes.insert(planned.name.to_owned(), child.id());
        run.save(layout)?;
        all.push(Started {
            name: planned.name,
            child,
            log,
        });
    }
    for (started, planned) in all.iter_mut().zip(&plan.processes) {
        progress::step(&format!("starting {}", started.name), || {
            wait_healthy(started, &planned.health, interrupt)
        })?;
    }
    Ok(all)
}

/// What a mesh wrote that was divided otherwise is not this one's.
fn forget_other_logs(layout: &Layout, plan: &Plan) -> Result<()> {
    let is_planned = |name: &str| plan.processes.iter().any(|each| each.name == name);
    for name in possible_names().filter(|name| !is_planned(name)) {
        let log = layout.log_of(name)?;
        if log.exists() {
            fs::remove_file(&log).with_context(|| format!("cannot remove {}", log.display()))?;
        }
    }
    Ok(())
}

fn wait_healthy(started: &mut Started, health: &[String], interrupt: &Interrupt) -> Result<()> {
    let Started { name, child, log } = started;
    process::wait_ready(name, child, log, START_PATIENCE, || {
        interrupt.check()?;
        Ok(health.iter().all(|url| health::is_ready(url)))
    })
}

fn command(layout: &Layout, planned: &Planned) -> Command {
    let mut command = Command::new(&planned.program);
    command
        .args(&planned.arguments)
        .current_dir(layout.root())
        .env_clear()
        .envs(&planned.environment);
    command
}

/// Ends a mesh from the outside in: no request and no event is taken in whose way is gone.
pub(crate) fn stop(layout: &Layout, run: &Run) -> Result<()> {
    let services: Vec<_> = ROLES
        .iter()
        .filter(|role| role.is_service)
        .map(|role| role.name)
        .collect();
    for stage in [
        &[ALL][..],
        &["gateway"],
        &["events-handler"],
        &services,
        &SIMS,
    ] {
        stop_together(run, stage)?;
    }
    run.forget(layout)
}

fn stop_together(run: &Run, names: &[&str]) -> Result<()> {
    let running: Vec<_> = names
        .iter()
        .filter_map(|name| run.process(name))
        .filter(process::Known::is_running)
        .collect();
    if running.is_empty() {
        return Ok(());
    }
    progress::step(&format!("ending {}", names.join(", ")), || {
        thread::scope(|scope| {
            let ending: Vec<_> = running
                .iter()
                .map(|known| scope.spawn(|| known.stop(STOP_PATIENCE)))
                .collect();
            ending
                .into_iter()
                .try_for_each(|one| one.join().unwrap_or(Ok(())))
        })
    })
}

/// Whether every process of the last run is there and ready.
pub(crate) fn is_healthy(run: &Run) -> bool {
    ROLES.iter().all(|role| run.process(role.name).is_some())
        && run.running().len() == run.processes.len()
        && run
            .admin
            .values()
            .all(|admin| health::is_ready(&health::ready_url(admin)))
}
