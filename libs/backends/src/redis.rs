//! Redis, as a cache: it keeps nothing on disk.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::process::{self, find_program, run_quietly};
use crate::{Server, ports};

const PATIENCE: Duration = Duration::from_secs(20);
/// Nothing is saved: what is in Redis can be computed again.
pub const VOLATILE: [&str; 4] = ["--save", "", "--appendonly", "no"];

/// The server's program, if it is installed.
#[must_use]
pub fn program() -> Option<PathBuf> {
    find_program("redis-server")
}

/// Starts the process; it is of no use before [`wait_until_it_answers`].
///
/// # Errors
/// The folder cannot be made or the program not be started.
pub fn start(program: &Path, folder: &Path, port: u16, log: &Path) -> Result<Child> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    let mut command = Command::new(program);
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(VOLATILE)
        // The command line stays as it was, so that the process is known by its folder.
        .args(["--set-proc-title", "no", "--dir"])
        .arg(folder);
    process::start_detached(&mut command, log)
}

/// Waits for a process that [`start`] answered.
///
/// # Errors
/// It ended, or does not answer within twenty seconds.
pub fn wait_until_it_answers(child: &mut Child, port: u16, log: &Path) -> Result<()> {
    process::wait_ready("redis-server", child, log, PATIENCE, || Ok(says_pong(port)))
}

/// The part of a private server's command line by which it is known again.
#[must_use]
pub fn marker(folder: &Path) -> String {
    format!("--dir {}", folder.display())
}

/// The address of a server on this machine.
#[must_use]
pub fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}

/// Whether a server on this port answers.
#[must_use]
pub fn says_pong(port: u16) -> bool {
    ping(port).is_ok_and(|answer| answer.starts_with(b"+PONG"))
}

fn ping(port: u16) -> std::io::Result<[u8; 5]> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// From `Redis server v=7.0.15 sha=…`.
///
/// # Errors
/// The program cannot be run.
pub fn version(program: &Path) -> Result<String> {
    let printed = run_quietly(Command::new(program).arg("--version"))?;
    let version = printed
        .split_whitespace()
        .find_map(|word| word.strip_prefix("v="));
    Ok(version.unwrap_or("unknown").to_owned())
}

/// A Redis for one test; it ends when it is dropped.
pub struct Cache {
    server: Server,
    port: u16,
}

impl Cache {
    /// Starts it with its folder below `folder`.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start(folder: &Path) -> Result<Self> {
        let program = program()
            .context("no redis-server is installed: `cargo xtask backends up` installs one")?;
        let port = ports::choose()?;
        let (data, log) = (folder.join("redis"), folder.join("redis.log"));
        let server = Server::start(move || {
            let mut child = start(&program, &data, port, &log)?;
            wait_until_it_answers(&mut child, port, &log)?;
            Ok(child)
        })?;
        Ok(Self { server, port })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// Ends it with SIGKILL; what it knew is gone.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again, empty.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self) -> Result<()> {
        self.server.restart()
    }
}
