//! Redis, as a cache: it keeps nothing on disk.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::state::{Backends, port_of};
use super::{Backend, docker, install};
use crate::layout::Layout;
use crate::ports;
use crate::process::{self, find_program, run_quietly};

const IMAGE: &str = "redis:7";
const PATIENCE: Duration = Duration::from_secs(20);
/// Nothing is saved: what is in Redis can be computed again.
const VOLATILE: [&str; 4] = ["--save", "", "--appendonly", "no"];

pub(crate) struct Redis;

impl Backend for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn variable(&self) -> &'static str {
        "REEN_TEST_REDIS_URL"
    }

    fn adopt(&self, url: &str, state: &mut Backends) {
        state.redis = Some(url.to_owned());
    }

    fn url<'a>(&self, state: &'a Backends) -> Option<&'a str> {
        state.redis.as_deref()
    }

    fn answers(&self, state: &Backends) -> bool {
        state
            .redis
            .as_deref()
            .and_then(port_of)
            .is_some_and(says_pong)
    }

    fn marker(&self, layout: &Layout) -> String {
        format!("--dir {}", layout.private().join("redis").display())
    }

    fn program(&self, _: &Layout) -> Option<PathBuf> {
        find_program("redis-server")
    }

    fn install(&self, _: &Layout) -> Result<PathBuf> {
        install::apt_install("redis-server")?;
        install::installed("redis-server")
    }

    fn start(&self, program: &Path, layout: &Layout, state: &mut Backends) -> Result<()> {
        let folder = layout.private_folder("redis")?;
        let log = layout.log_of("redis")?;
        let port = ports::keep_or_choose(state.redis.as_deref().and_then(port_of))?;
        let mut command = Command::new(program);
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(VOLATILE)
            // The command line stays as it was, so that the process is known by its folder.
            .args(["--set-proc-title", "no", "--dir"])
            .arg(&folder);
        let mut child = process::start_detached(&mut command, &log)?;
        state.pids.insert(self.name().to_owned(), child.id());
        process::wait_ready("redis-server", &mut child, &log, PATIENCE, || {
            Ok(says_pong(port))
        })?;
        state.redis = Some(format!("redis://127.0.0.1:{port}"));
        state.note_version(self.name(), version(program)?);
        Ok(())
    }

    fn start_container(&self, state: &mut Backends) -> Result<()> {
        let port = ports::keep_or_choose(state.redis.as_deref().and_then(port_of))?;
        let publish = format!("127.0.0.1:{port}:6379");
        let command = [&["redis-server"][..], &VOLATILE].concat();
        let container = docker::run("redis", IMAGE, &[&publish], &command)?;
        state
            .containers
            .insert(self.name().to_owned(), container.clone());
        docker::wait_ready(&container, PATIENCE, || says_pong(port))?;
        state.redis = Some(format!("redis://127.0.0.1:{port}"));
        state.note_version(self.name(), IMAGE);
        Ok(())
    }
}

fn says_pong(port: u16) -> bool {
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
fn version(program: &Path) -> Result<String> {
    let printed = run_quietly(Command::new(program).arg("--version"))?;
    let version = printed
        .split_whitespace()
        .find_map(|word| word.strip_prefix("v="));
    Ok(version.unwrap_or("unknown").to_owned())
}
