//! `cargo xtask backends`: MongoDB, RabbitMQ and Redis for this checkout alone.
//!
//! In this order: what the environment names; what runs already; a server that is installed;
//! Docker, when its engine answers; a download. All of it lives in `.reen/`, on free loopback
//! ports, and never touches a service of the system.

mod docker;
pub(crate) mod install;
mod mongo;
mod rabbitmq;
mod redis;
mod state;

use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Subcommand;

use crate::layout::Layout;
use crate::process::Known;
use crate::progress;

pub(crate) use self::state::Backends;

const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// What can be done with the backends.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Action {
    /// Start those that do not run yet, and install what is missing.
    Up,
    /// End those that were started from here. Their data stays.
    Down,
    /// Show what runs where.
    Status,
}

/// One server that the mesh needs.
trait Backend {
    fn name(&self) -> &'static str;
    /// The environment variable whose value is the URL of a server to use instead of a private
    /// one.
    fn variable(&self) -> &'static str;
    fn adopt(&self, url: &str, state: &mut Backends);
    fn url<'a>(&self, state: &'a Backends) -> Option<&'a str>;
    /// Whether the server at the noted address does its work.
    fn answers(&self, state: &Backends) -> bool;
    /// The part of the private server's command line by which it is known again.
    fn marker(&self, layout: &Layout) -> String;
    /// Processes that are started before it and end after it; known by their name.
    fn helpers(&self) -> &'static [&'static str] {
        &[]
    }
    fn program(&self, layout: &Layout) -> Option<PathBuf>;
    fn install(&self, layout: &Layout) -> Result<PathBuf>;
    /// Starts the program and waits until it does its work. The pid is noted as soon as there is
    /// one, so that a failed start can be cleaned up.
    fn start(&self, program: &Path, layout: &Layout, state: &mut Backends) -> Result<()>;
    fn start_container(&self, state: &mut Backends) -> Result<()>;
}

/// The names of all backends.
pub(crate) const NAMES: [&str; 3] = ["mongo", "rabbitmq", "redis"];
const ALL: [&dyn Backend; 3] = [&mongo::Mongo, &rabbitmq::RabbitMq, &redis::Redis];

/// What `up` did.
#[derive(Debug)]
pub(crate) struct Up {
    pub(crate) backends: Backends,
    /// Those that were not there before; ending what one has started means these.
    pub(crate) started: Vec<&'static str>,
}

pub(crate) fn run(layout: &Layout, action: Action) -> Result<()> {
    match action {
        Action::Up => up(layout, &NAMES).map(|_| show(layout)),
        Action::Down => down(layout, &NAMES),
        Action::Status => {
            show(layout);
            Ok(())
        }
    }
}

/// Makes sure that the named backends do their work.
pub(crate) fn up(layout: &Layout, names: &[&str]) -> Result<Up> {
    let _lock = layout.lock("backends")?;
    let mut backends = Backends::load(layout);
    let mut started = Vec::new();
    for backend in ALL
        .into_iter()
        .filter(|backend| names.contains(&backend.name()))
    {
        let outcome = ensure(backend, layout, &mut backends);
        backends.save(layout)?;
        if outcome.with_context(|| format!("{} is not available", backend.name()))? {
            started.push(backend.name());
        }
    }
    Ok(Up { backends, started })
}

/// Makes sure that every server is installed here: who starts some of its own needs the programs,
/// containers do not serve.
pub(crate) fn require_programs(layout: &Layout) -> Result<()> {
    let _lock = layout.lock("backends")?;
    for backend in ALL {
        if backend.program(layout).is_none() {
            install::require_space(layout)?;
            backend.install(layout)?;
        }
    }
    Ok(())
}

/// Ends those of the named backends that were started from here. Their data stays.
pub(crate) fn down(layout: &Layout, names: &[&str]) -> Result<()> {
    let _lock = layout.lock("backends")?;
    let mut backends = Backends::load(layout);
    for backend in ALL
        .into_iter()
        .filter(|backend| names.contains(&backend.name()))
    {
        end(backend, layout, &mut backends)?;
        backends.save(layout)?;
    }
    Ok(())
}

/// Whether it had to be started.
fn ensure(backend: &dyn Backend, layout: &Layout, state: &mut Backends) -> Result<bool> {
    let variable = backend.variable();
    let named = std::env::var(variable).ok().filter(|url| !url.is_empty());
    // What the user names is for the user's own mesh.
    let given = named.filter(|_| !layout.is_aside());
    if let Some(url) = &given
        && backend.url(state) != Some(url)
    {
        end(backend, layout, state)?;
        require_listener(variable, url)?;
        backend.adopt(url, state);
        progress::note(&format!("{}: {url}, as {variable} says", backend.name()));
        return Ok(false);
    }
    if given.is_some() || (is_ours(backend, layout, state) && backend.answers(state)) {
        return Ok(false);
    }
    end(backend, layout, state)?;
    start(backend, layout, state)?;
    Ok(true)
}

fn start(backend: &dyn Backend, layout: &Layout, state: &mut Backends) -> Result<()> {
    let name = backend.name();
    let program = match backend.program(layout) {
        Some(program) => program,
        None if docker::is_available() => {
            return progress::step(&format!("starting {name} in Docker"), || {
                backend.start_container(state)
            });
        }
        None => {
            install::require_space(layout)?;
            backend.install(layout)?
        }
    };
    progress::step(&format!("starting {name}"), || {
        backend.start(&program, layout, state)
    })
}

fn require_listener(variable: &str, url: &str) -> Result<()> {
    let authority =
        state::authority_of(url).with_context(|| format!("{variable} is not a URL: {url}"))?;
    let addresses = authority
        .to_socket_addrs()
        .with_context(|| format!("{variable} names {authority}, which is not found"))?;
    let patience = Duration::from_secs(5);
    if addresses
        .into_iter()
        .any(|address| TcpStream::connect_timeout(&address, patience).is_ok())
    {
        return Ok(());
    }
    bail!("{variable} names {authority}, but nothing listens there")
}

fn is_ours(backend: &dyn Backend, layout: &Layout, state: &Backends) -> bool {
    let process = state.pids.get(backend.name()).is_some_and(|pid| {
        let known = Known::new(*pid, backend.marker(layout));
        known.is_running()
    });
    process
        || state
            .containers
            .get(backend.name())
            .is_some_and(|name| docker::is_running(name))
}

/// Ends a backend when it was started from here; otherwise only forgets it.
fn end(backend: &dyn Backend, layout: &Layout, state: &mut Backends) -> Result<()> {
    for process in Known::all_with(&backend.marker(layout)) {
        let what = format!("ending {}", backend.name());
        progress::step(&what, || process.stop(STOP_PATIENCE))?;
    }
    for helper in backend.helpers() {
        if let Some(pid) = state.pids.remove(*helper) {
            Known::new(pid, *helper).stop(STOP_PATIENCE)?;
        }
    }
    if let Some(container) = state.containers.get(backend.name()) {
        docker::stop(container)?;
    }
    state.forget_owner(backend.name());
    Ok(())
}

/// Prints what runs where.
pub(crate) fn show(layout: &Layout) {
    let state = &Backends::load(layout);
    for backend in ALL {
        let condition = match (backend.url(state), backend.answers(state)) {
            (None, _) => "never started",
            (Some(_), false) => "down",
            (Some(_), true) if is_ours(backend, layout, state) => "running",
            (Some(_), true) => "running, not ours",
        };
        let version = state
            .versions
            .get(backend.name())
            .map_or("", String::as_str);
        let pid = state
            .pids
            .get(backend.name())
            .map(u32::to_string)
            .unwrap_or_default();
        let url = backend.url(state).unwrap_or_default();
        println!(
            "{:<9} {condition:<17} {version:<8} {pid:>8}  {url}",
            backend.name()
        );
    }
    if let Some(api) = &state.broker_api {
        println!("{:<9} {:<35}  {api}", "", "RabbitMQ management");
    }
}
