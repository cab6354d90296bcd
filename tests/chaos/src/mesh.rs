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
    running: Running,
    ended: Arc<AtomicU64>,
    stopping: CancellationToken,
    _running: DropGuard,
}

impl Mesh {
    /// Starts everything with its data and logs in `folder`, and waits until it is ready. Roles that are
    /// together are one process.
    pub(crate) async fn start(folder: &Path, mongo_members: usize, together: bool) -> Result<Self> {
        let program = find_reen()?;
        let backends = Backends::start(folder, mongo_members).await?;
        let ports = Ports::choose()?;
        let stop = CancellationToken::new();
        let sim = StripeSim::build(StripeConfig::in_process(WEBHOOK_SECRET)).await?;
        let (stripe, handle) = (sim.base_url(), sim.handle());
        tokio::spawn(sim.run(stop.clone()));
        let lines = Lines::lay(&backends, &ports, &stripe, mongo_members > 1).await;
        handle.set_webhook_url(&lines.url(Line::Webhooks))?;
        let common = settings::common(&ports, &lines, folder, together);
        let setup = Setup {
            program,
            common,
            ports: &ports,
            folder,
        };
        let running = if together {
            setup.together()
        } else {
            setup.apart()
        };
        start_all(&running.each).await?;
        let databases = open_databases(&backends.mongo_url).await?;
        let ended = Arc::new(AtomicU64::new(0));
        tokio::spawn(supervise(
            running.each.clone(),
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
            running,
            ended,
            stopping: stop.clone(),
            _running: stop.drop_guard(),
        })
    }

    /// Kills a process, or the one that it is a part of, and starts it again after `down`.
    pub(crate) async fn kill(&self, process: Process, down: Duration) -> Result<()> {
        let supervised = self.running.of(process);
        supervised
            .with_context(|| format!("no process {process}"))?
            .kill(down)
            .await
    }

    /// Ends every process.
    pub(crate) async fn stop(&self) {
        self.stopping.cancel();
        for supervised in &self.running.each {
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

/// The processes that were started.
struct Running {
    each: Vec<Arc<Supervised>>,
    /// One of them is all roles.
    together: bool,
}

impl Running {
    fn of(&self, process: Process) -> Option<&Arc<Supervised>> {
        let name = process.to_string();
        let mut each = self.each.iter();
        each.find(|supervised| self.together || supervised.name == name)
    }
}

/// What processes are started with.
struct Setup<'mesh> {
    program: PathBuf,
    common: BTreeMap<String, String>,
    ports: &'mesh Ports,
    folder: &'mesh Path,
}

impl Setup<'_> {
    fn apart(&self) -> Running {
        let each = Process::ALL
            .into_iter()
            .map(|process| self.process(process.to_string(), process.role(), &[process]));
        Running {
            each: each.collect(),
            together: false,
        }
    }

    fn together(&self) -> Running {
        let mut all = Process::ALL.to_vec();
        all.retain(|process| *process != Process::SecondEventsHandler);
        let one = self.process("all".to_owned(), "all", &all);
        Running {
            each: vec![one],
            together: true,
        }
    }

    fn process(&self, name: String, role: &'static str, parts: &[Process]) -> Arc<Supervised> {
        let mut environment = self.common.clone();
        for part in parts {
            environment.extend(settings::own(self.ports, *part));
        }
        let ready_urls = parts.iter().map(|part| self.ports.ready_url(*part));
        Arc::new(Supervised {
            log: self.folder.join(format!("{name}.log")),
            name,
            role,
            program: self.program.clone(),
            environment,
            ready_urls: ready_urls.collect(),
            state: Mutex::new(State::default()),
        })
    }
}

async fn start_all(processes: &[Arc<Supervised>]) -> Result<()> {
    for supervised in processes {
        supervised.start().await?;
    }
    let deadline = Instant::now() + START_PATIENCE;
    for supervised in processes {
        for url in &supervised.ready_urls {
            while !is_ready(url).await {
                if Instant::now() >= deadline {
                    let (name, log) = (&supervised.name, &supervised.log);
                    bail!("{name} is not ready:\n{}", tail(log, 15));
                }
                tokio::time::sleep(POLL).await;
            }
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
                    eprintln!("{} ended by itself", supervised.name);
                }
                Err(error) => eprintln!("{}: {error:#}", supervised.name),
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
