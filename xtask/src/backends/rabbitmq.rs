//! RabbitMQ with its management plugin: tests make a virtual host each through its HTTP API.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::state::{Backends, port_of};
use super::{Backend, docker, install};
use crate::layout::Layout;
use crate::ports;
use crate::process::{self, find_program};

/// Not the wrapper on PATH, which insists on the system's own user and folders.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const IMAGE: &str = "rabbitmq:4-management";
const NODE: &str = "reen@localhost";
const PATIENCE: Duration = Duration::from_secs(90);

/// Protocol header of AMQP 0-9-1; a broker answers it with a method frame, whose first byte is 1.
const AMQP_HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";

pub(crate) struct RabbitMq;

impl Backend for RabbitMq {
    fn name(&self) -> &'static str {
        "rabbitmq"
    }

    fn variable(&self) -> &'static str {
        "REEN_TEST_BROKER_URL"
    }

    fn adopt(&self, url: &str, state: &mut Backends) {
        state.broker = Some(url.to_owned());
        state.broker_api = std::env::var("REEN_TEST_BROKER_API").ok();
    }

    fn url<'a>(&self, state: &'a Backends) -> Option<&'a str> {
        state.broker.as_deref()
    }

    fn answers(&self, state: &Backends) -> bool {
        let is_up = |port| version(port).is_ok();
        state
            .broker
            .as_deref()
            .and_then(port_of)
            .is_some_and(speaks_amqp)
            && state
                .broker_api
                .as_deref()
                .and_then(port_of)
                .is_none_or(is_up)
    }

    fn marker(&self, layout: &Layout) -> String {
        format!("-reen {}", layout.private().join("rabbitmq").display())
    }

    fn helpers(&self) -> &'static [&'static str] {
        &["epmd"]
    }

    fn program(&self, _: &Layout) -> Option<PathBuf> {
        Some(PathBuf::from(PROGRAM)).filter(|program| program.is_file())
    }

    fn install(&self, _: &Layout) -> Result<PathBuf> {
        install::apt_install("rabbitmq-server")?;
        install::installed(PROGRAM)
    }

    fn start(&self, program: &Path, layout: &Layout, state: &mut Backends) -> Result<()> {
        let node = Node::prepare(layout, state)?;
        node.start_port_mapper(layout, state)?;
        let mut command = Command::new(program);
        node.configure(&mut command);
        let log = layout.log_of("rabbitmq")?;
        let mut script = process::start_detached(&mut command, &log)?;
        process::wait_ready("rabbitmq-server", &mut script, &log, PATIENCE, || {
            Ok(speaks_amqp(node.amqp) && version(node.management).is_ok())
        })?;
        state.pids.insert(self.name().to_owned(), node.pid()?);
        note_addresses(state, node.amqp, node.management)
    }

    fn start_container(&self, state: &mut Backends) -> Result<()> {
        let amqp = ports::keep_or_choose(state.broker.as_deref().and_then(port_of))?;
        let management = ports::keep_or_choose(state.broker_api.as_deref().and_then(port_of))?;
        let publish = [
            format!("127.0.0.1:{amqp}:5672"),
            format!("127.0.0.1:{management}:15672"),
        ];
        let container = docker::run("rabbitmq", IMAGE, &[&publish[0], &publish[1]], &[])?;
        state
            .containers
            .insert(self.name().to_owned(), container.clone());
        docker::wait_ready(&container, PATIENCE, || {
            speaks_amqp(amqp) && version(management).is_ok()
        })?;
        note_addresses(state, amqp, management)
    }
}

/// A private RabbitMQ node: its own folder, ports, name server and cookie.
struct Node {
    home: PathBuf,
    amqp: u16,
    management: u16,
    distribution: u16,
    port_mapper: u16,
}

impl Node {
    fn prepare(layout: &Layout, state: &Backends) -> Result<Self> {
        let [distribution, port_mapper] = ports::choose_free()?;
        let node = Self {
            home: layout.private_folder("rabbitmq")?,
            amqp: ports::keep_or_choose(state.broker.as_deref().and_then(port_of))?,
            management: ports::keep_or_choose(state.broker_api.as_deref().and_then(port_of))?,
            distribution,
            port_mapper,
        };
        fs::write(node.file("enabled_plugins"), "[rabbitmq_management].\n")?;
        fs::write(node.file("rabbitmq.conf"), node.settings())?;
        // A left-over pid would be taken for the new node's.
        let _ = fs::remove_file(node.file("pid"));
        Ok(node)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    fn settings(&self) -> String {
        format!(
            "listeners.tcp.1 = 127.0.0.1:{}\n\
             management.tcp.ip = 127.0.0.1\n\
             management.tcp.port = {}\n\
             collect_statistics_interval = 500\n\
             disk_free_limit.absolute = 200MB\n",
            self.amqp, self.management
        )
    }

    /// Erlang's name server, on a port of its own: another one on the machine, and the nodes that
    /// it knows, are left alone.
    fn start_port_mapper(&self, layout: &Layout, state: &mut Backends) -> Result<()> {
        let program = find_program("epmd").context("epmd is missing: install erlang-base")?;
        let log = layout.log_of("epmd")?;
        let port = self.port_mapper.to_string();
        let mut command = Command::new(program);
        command.args(["-address", "127.0.0.1", "-port", &port]);
        let mut child = process::start_detached(&mut command, &log)?;
        state.pids.insert("epmd".to_owned(), child.id());
        let ready = || Ok(ports::answers(self.port_mapper));
        process::wait_ready("epmd", &mut child, &log, Duration::from_secs(10), ready)
    }

    fn configure(&self, command: &mut Command) {
        command
            .env("HOME", &self.home)
            .env("LC_ALL", "C.UTF-8")
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", self.port_mapper.to_string())
            .env("RABBITMQ_NODENAME", NODE)
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.amqp.to_string())
            .env("RABBITMQ_DIST_PORT", self.distribution.to_string())
            .env("RABBITMQ_MNESIA_BASE", self.file("data"))
            .env("RABBITMQ_LOG_BASE", self.file("log"))
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_PID_FILE", self.file("pid"))
            .env(
                "RABBITMQ_ENABLED_PLUGINS_FILE",
                self.file("enabled_plugins"),
            )
            .env("RABBITMQ_CONFIG_FILE", self.file("rabbitmq.conf"))
            // The system's own node may be configured: none of that is meant for this one.
            .env("RABBITMQ_CONF_ENV_FILE", self.file("none"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", self.file("none.config"))
            .env("RABBITMQ_CONFIG_FILES", self.file("none.d"))
            // Only for the command line, by which the process is known again.
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", self.marker());
    }

    fn marker(&self) -> String {
        format!("-reen {}", self.home.display())
    }

    /// The Erlang machine's pid, which is not the start script's.
    fn pid(&self) -> Result<u32> {
        let file = self.file("pid");
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let text = fs::read_to_string(&file).unwrap_or_default();
            if let Ok(pid) = text.trim().parse() {
                return Ok(pid);
            }
            if Instant::now() >= deadline {
                bail!("RabbitMQ wrote no process id to {}", file.display());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn note_addresses(state: &mut Backends, amqp: u16, management: u16) -> Result<()> {
    state.broker = Some(format!("amqp://guest:guest@127.0.0.1:{amqp}/%2f"));
    state.broker_api = Some(format!("http://guest:guest@127.0.0.1:{management}"));
    state.note_version("rabbitmq", version(management)?);
    Ok(())
}

fn speaks_amqp(port: u16) -> bool {
    greet(port).is_ok_and(|first| first == 1)
}

fn greet(port: u16) -> std::io::Result<u8> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(AMQP_HEADER)?;
    let mut first = [0];
    stream.read_exact(&mut first)?;
    Ok(first[0])
}

/// Also shows that the HTTP API is up and knows the default user.
fn version(management: u16) -> Result<String> {
    let overview: serde_json::Value =
        ureq::get(format!("http://127.0.0.1:{management}/api/overview"))
            .header("authorization", "Basic Z3Vlc3Q6Z3Vlc3Q=")
            .config()
            .timeout_global(Some(Duration::from_secs(5)))
            .build()
            .call()?
            .body_mut()
            .read_json()?;
    Ok(overview["rabbitmq_version"]
        .as_str()
        .unwrap_or("unknown")
        .to_owned())
}
