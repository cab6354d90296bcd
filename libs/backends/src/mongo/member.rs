//! One mongod, and its becoming the primary of a set of its own.

use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::wire::run_command;
use super::{Mongod, REPLICA_SET, make_folder};
use crate::{ports, process};

const PATIENCE: Duration = Duration::from_secs(60);
/// A client that was killed leaves its transaction open, and what it has written is locked until the
/// server gives the transaction up. The server's own minute is long for a buyer who waits, and no
/// transaction here takes a second.
pub const SHORT_TRANSACTIONS: &str = "transactionLifetimeLimitSeconds=5";
const POLL: Duration = Duration::from_millis(50);
/// The server's error code `NotYetInitialized`: a replica set without a configuration.
const NOT_YET_INITIALIZED: i32 = 94;

/// Where one mongod keeps its data and listens.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Made when it is missing.
    pub data: &'a Path,
    /// Both outputs.
    pub log: &'a Path,
    /// On 127.0.0.1.
    pub port: u16,
    /// As mongod reads it, in GB.
    pub cache: &'a str,
}

impl Member<'_> {
    /// Starts the process. It is of no use before [`Member::wait_until_it_listens`].
    ///
    /// # Errors
    /// The folder cannot be made or the program not be started.
    pub fn start(&self, mongod: &Mongod) -> Result<Child> {
        make_folder(self.data)?;
        let mut command = mongod.command();
        command
            .args(["--bind_ip", "127.0.0.1", "--replSet", REPLICA_SET])
            .args(["--wiredTigerCacheSizeGB", self.cache, "--quiet"])
            .args(["--setParameter", SHORT_TRANSACTIONS])
            .args(["--port", &self.port.to_string(), "--dbpath"])
            .arg(self.data);
        process::start_detached(&mut command, self.log)
    }

    /// Waits for a process that [`Member::start`] answered.
    ///
    /// # Errors
    /// It ended, or does not listen within a minute.
    pub fn wait_until_it_listens(&self, child: &mut Child) -> Result<()> {
        process::wait_ready("mongod", child, self.log, PATIENCE, || {
            Ok(ports::answers(self.port))
        })
    }
}

/// Whether the mongod on this port takes writes.
#[must_use]
pub fn is_primary(port: u16) -> bool {
    run_command(port, &[("hello", json!(1))])
        .is_ok_and(|answer| answer["isWritablePrimary"] == true)
}

/// The server's version.
///
/// # Errors
/// It does not answer.
pub fn version(port: u16) -> Result<String> {
    let answer = run_command(port, &[("buildInfo", json!(1))])?;
    Ok(answer["version"].as_str().unwrap_or("unknown").to_owned())
}

/// Gives a new data folder its configuration as a set of one, or an old one its new port, and waits
/// for the vote.
///
/// # Errors
/// The configuration is refused, or there is no primary within a minute.
pub fn become_primary(port: u16) -> Result<()> {
    let answer = run_command(port, &[("replSetGetConfig", json!(1))])?;
    if answer["code"] == NOT_YET_INITIALIZED {
        let configuration = configuration(&[port], 1);
        run_strictly(port, &[("replSetInitiate", configuration)])?;
    } else if let Some(moved) = moved(&answer["config"], port) {
        run_strictly(port, &[("replSetReconfig", moved), ("force", json!(true))])?;
    }
    wait_for_primary(&[port]).map(|_| ())
}

/// The position of the port whose mongod takes writes, once there is one.
pub(super) fn wait_for_primary(ports: &[u16]) -> Result<usize> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(primary) = ports.iter().position(|port| is_primary(*port)) {
            return Ok(primary);
        }
        if Instant::now() >= deadline {
            bail!("none of the mongods on {ports:?} becomes the primary of {REPLICA_SET}");
        }
        thread::sleep(POLL);
    }
}

pub(super) fn configuration(ports: &[u16], version: i64) -> Value {
    let members: Vec<Value> = (0_i32..)
        .zip(ports)
        .map(|(id, port)| json!({ "_id": id, "host": format!("127.0.0.1:{port}") }))
        .collect();
    json!({ "_id": REPLICA_SET, "version": version, "protocolVersion": 1, "members": members })
}

/// The configuration for a data folder whose only member had another port before.
fn moved(known: &Value, port: u16) -> Option<Value> {
    let version = known["version"].as_i64()?;
    let wanted = configuration(&[port], version.saturating_add(1));
    (known["members"][0]["host"] != wanted["members"][0]["host"]).then_some(wanted)
}

pub(super) fn run_strictly(port: u16, command: &[(&str, Value)]) -> Result<()> {
    let answer = run_command(port, command)?;
    if answer["ok"] == 1.0 {
        return Ok(());
    }
    let reason = answer["errmsg"].as_str().unwrap_or("no reason given");
    bail!("mongod refused: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_moved_gets_a_newer_configuration() {
        let known = configuration(&[1], 4);
        assert_eq!(moved(&known, 1), None);
        assert_eq!(moved(&known, 2), Some(configuration(&[2], 5)));
    }
}
