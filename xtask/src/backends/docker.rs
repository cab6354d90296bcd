//! Backends in containers, where an engine answers and no server is installed.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::process::{find_program, run_quietly};
use crate::progress;

const PATIENCE: Duration = Duration::from_secs(90);

/// Whether there is an engine, not only its command.
pub(crate) fn is_available() -> bool {
    find_program("docker").is_some() && docker(&["info"]).is_ok()
}

/// Starts `image` in the background and returns the container's name. Its image is pulled first.
pub(crate) fn run(name: &str, image: &str, publish: &[&str], command: &[&str]) -> Result<String> {
    // The pid makes the name this run's own: two checkouts share one engine.
    let container = format!("reen-{name}-{}", std::process::id());
    let mut arguments = vec!["run", "--detach", "--rm", "--name", &container];
    for ports in publish {
        arguments.extend(["--publish", ports]);
    }
    arguments.push(image);
    arguments.extend(command);
    progress::step(&format!("docker run {image}"), || docker(&arguments))?;
    Ok(container)
}

/// Polls `ready`; fails with the container's own words when it ends or takes too long.
pub(crate) fn wait_ready(container: &str, mut ready: impl FnMut() -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !ready() {
        if Instant::now() >= deadline || !is_running(container) {
            let logs = docker(&["logs", "--tail", "15", container]).unwrap_or_default();
            bail!("the container {container} is not ready. The end of its log:\n{logs}");
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

pub(crate) fn is_running(container: &str) -> bool {
    docker(&["inspect", "--format", "{{.State.Running}}", container])
        .is_ok_and(|answer| answer.trim() == "true")
}

/// Ends a container; one that is gone already is no error.
pub(crate) fn stop(container: &str) -> Result<()> {
    if is_running(container) {
        docker(&["stop", "--time", "15", container])?;
    }
    Ok(())
}

fn docker(arguments: &[&str]) -> Result<String> {
    run_quietly(Command::new("docker").args(arguments))
}
