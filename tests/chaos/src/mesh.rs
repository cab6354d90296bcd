//! The mesh as processes, on backends of its own, with Stripe's stand-in in this process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reen_backends::process::tail;
use reen_mongo::Database;
use reen_sims::stripe::{Config as StripeConfig, StripeSim};
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::backends::Backends;
use crate::lines::{Lines, database_url};
use crate::parts::{Line, Process};
use crate::process::{State, Supervised};
use crate::settings::{self, Ports, WEBHOOK_SECRET};

const START_PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// A running mesh; everything that it started ends when it is dropped.
pub(crate) struct Mesh {
    pub(crate) gateway: String,
    /// Stripe, on no line.
    pub(crate) stripe: String,
    /// Products, on no line.
    pub(crate) products: String,
    pub(crate) backends: Backends,
    pub(crate) lines: Lines,
    pub(crate) databases: BTreeMap<Process, Database>,
    processes: BTreeMap<Process, Arc<Supervised>>,
    ended: Arc<AtomicU64>,
    stopping: CancellationToken,
    _running: DropGuard,
}

impl Mesh {
    /// Starts everything with its data and logs in `folder`, and waits until it is ready.
    pub(crate) async fn start(folder: &Path, mongo_members: usize) -> Result<Self> {
        let program = find_reen()?;
        let backends = Backends::start(folder, mongo_members).await?;
        let ports = Ports::choose()?;
        let stop = CancellationToken::new();
        let sim = StripeSim::build(StripeConfig::in_process(WEBHOOK_SECRET)).await?;
        let (stripe, handle) = (sim.base_url(), sim.handle());
        tokio::spawn(sim.run(stop.clone()));
        let lines = Lines::lay(&backends, &ports, &stripe, mongo_members > 1).await;
        handle.set_webhook_url(&lines.url(Line::Webhooks))?;
        let common = settings::common(&ports, &lines, folder);
        let processes: BTreeMap<_, _> = Process::ALL
            .into_iter()
            .map(|process| {
                let mut environment = common.clone();
                environment.extend(settings::own(&ports, process));
                let supervised = Supervised {
                    process,
                    program: program.clone(),
                    environment,
                    ready_url: ports.ready_url(process),
                    log: folder.join(format!("{process}.log")),
                    state: Mutex::new(State::default()),
                };
                (process, Arc::new(supervised))
            })
            .collect();
        start_all(&processes).await?;
        let databases = open_databases(&backends.mongo_url).await?;
        let ended = Arc::new(AtomicU64::new(0));
        tokio::spawn(supervise(
            processes.values().cloned().collect(),
            Arc::clone(&ended),
            stop.clone(),
        ));
        Ok(Self {
            gateway: ports.gateway_url(),
            stripe,
            products: ports.service_url(Process::Products),
            backends,
            lines,
            databases,
            processes,
            ended,
            stopping: stop.clone(),
            _running: stop.drop_guard(),
        })
    }

    /// Kills a process, and starts it again after `down`.
    pub(crate) async fn kill(&self, process: Process, down: Duration) -> Result<()> {
        let supervised = self.processes.get(&process);
        supervised
            .with_context(|| format!("no process {process}"))?
            .kill(down)
            .await
    }

    /// Ends every process.
    pub(crate) async fn stop(&self) {
        self.stopping.cancel();
        for supervised in self.processes.values() {
            supervised.stop().await;
        }
    }

    /// How often a process ended without having been killed.
    pub(crate) fn ended_by_themselves(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    pub(crate) fn database(&self, process: Process) -> Result<&Database> {
        let database = self.databases.get(&process);
        database.with_context(|| format!("{process} has no database"))
    }
}

async fn start_all(processes: &BTreeMap<Process, Arc<Supervised>>) -> Result<()> {
    for supervised in processes.values() {
        supervised.start().await?;
    }
    let deadline = Instant::now() + START_PATIENCE;
    for supervised in processes.values() {
        while !is_ready(&supervised.ready_url).await {
            if Instant::now() >= deadline {
                let (process, log) = (supervised.process, &supervised.log);
                bail!("{process} is not ready:\n{}", tail(log, 15));
            }
            tokio::time::sleep(POLL).await;
        }
    }
    Ok(())
}

async fn is_ready(url: &str) -> bool {
    let answer = reqwest::get(url).await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

async fn open_databases(mongo: &str) -> Result<BTreeMap<Process, Database>> {
    let mut databases = BTreeMap::new();
    for process in Process::STORES {
        let url = SecretString::from(database_url(mongo, process));
        databases.insert(process, Database::open(&url, "chaos").await?);
    }
    Ok(databases)
}

/// Starts again what ended by itself, until `stop`.
async fn supervise(
    processes: Vec<Arc<Supervised>>,
    ended: Arc<AtomicU64>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        for supervised in &processes {
            match supervised.restart_if_it_ended().await {
                Ok(false) => {}
                Ok(true) => {
                    ended.fetch_add(1, Ordering::Relaxed);
                    eprintln!("{} ended by itself", supervised.process);
                }
                Err(error) => eprintln!("{}: {error:#}", supervised.process),
            }
        }
        let _stopped = tokio::time::timeout(POLL, stop.cancelled()).await;
    }
}

/// The binary beside this one: a test is one folder deeper than a program.
fn find_reen() -> Result<PathBuf> {
    let this = std::env::current_exe().context("this program does not know where it is")?;
    let folders = this.ancestors().skip(1).take(2);
    let mut candidates = folders.map(|folder| folder.join("reen"));
    candidates
        .find(|candidate| candidate.is_file())
        .with_context(|| {
            format!(
                "there is no `reen` beside {}: build it with `cargo build -p reen`",
                this.display()
            )
        })
}
