//! One process of the mesh: started, killed, started again.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

/// A process that ends by itself is started again, but not more often than this.
const BETWEEN_STARTS: Duration = Duration::from_secs(1);

/// What a process is started with, and whether it runs.
pub(crate) struct Supervised {
    pub(crate) name: String,
    /// As in `reen serve ROLE`.
    pub(crate) role: &'static str,
    pub(crate) program: PathBuf,
    /// All that it gets.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where it says of each of its roles whether it can work.
    pub(crate) ready_urls: Vec<String>,
    pub(crate) log: PathBuf,
    pub(crate) state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    running: Option<(Child, Instant)>,
}

impl Supervised {
    pub(crate) async fn start(&self) -> Result<()> {
        let mut state = self.state.lock().await;
        state.running = Some((self.spawn()?, Instant::now()));
        Ok(())
    }

    /// Ends it with SIGKILL, and starts it again after `down`. Nobody else starts it meanwhile.
    pub(crate) async fn kill(&self, down: Duration) -> Result<()> {
        let mut state = self.state.lock().await;
        if let Some((mut child, _)) = state.running.take() {
            child.kill().await.context("SIGKILL")?;
        }
        tokio::time::sleep(down).await;
        state.running = Some((self.spawn()?, Instant::now()));
        Ok(())
    }

    /// Ends it for good.
    pub(crate) async fn stop(&self) {
        if let Some((mut child, _)) = self.state.lock().await.running.take() {
            // One that ended by itself needs no end.
            let _ = child.kill().await;
        }
    }

    /// Starts it again when it ended by itself, as whatever runs it in production would. Answers
    /// whether it had.
    pub(crate) async fn restart_if_it_ended(&self) -> Result<bool> {
        let Ok(mut state) = self.state.try_lock() else {
            return Ok(false);
        };
        let Some((child, started)) = &mut state.running else {
            return Ok(false);
        };
        if started.elapsed() < BETWEEN_STARTS || child.try_wait()?.is_none() {
            return Ok(false);
        }
        state.running = Some((self.spawn()?, Instant::now()));
        Ok(true)
    }

    fn spawn(&self) -> Result<Child> {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("cannot write {}", self.log.display()))?;
        Command::new(&self.program)
            .args(["serve", self.role])
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))
    }
}
