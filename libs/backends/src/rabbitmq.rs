//! RabbitMQ with its management plugin: tests make a virtual host each through its HTTP API.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{self, find_program};
use crate::{Server, ports};

/// The start script: not the wrapper on PATH, which insists on the system's own user and folders.
pub const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const NODE: &str = "reen@localhost";
const PATIENCE: Duration = Duration::from_secs(90);

/// Protocol header of AMQP 0-9-1; a broker answers it with a method frame, whose first byte is 1.
const AMQP_HEADER: &[u8; 8] = b"AMQP\x00\x00\x09\x01";

/// The server's program, if it is installed.
#[must_use]
pub fn program() -> Option<PathBuf> {
    Some(PathBuf::from(PROGRAM)).filter(|program| program.is_file())
}

/// A private node: its own folder, ports, name server and cookie.
#[derive(Debug, Clone)]
pub struct Place {
    home: PathBuf,
    /// Where clients connect.
    pub amqp: u16,
    /// Where the HTTP API listens.
    pub management: u16,
    distribution: u16,
    port_mapper: u16,
}

impl Place {
    /// Writes the node's configuration into `home`.
    ///
    /// # Errors
    /// The folder cannot be written, or no port is free.
    pub fn prepare(home: &Path, amqp: u16, management: u16) -> Result<Self> {
        fs::create_dir_all(home)
            .with_context(|| format!("cannot create the folder {}", home.display()))?;
        let place = Self {
            home: home.to_path_buf(),
            amqp,
            management,
            distribution: ports::choose()?,
            port_mapper: ports::choose()?,
        };
        fs::write(place.file("enabled_plugins"), "[rabbitmq_management].\n")?;
        fs::write(place.file("rabbitmq.conf"), place.settings())?;
        Ok(place)
    }

    /// Starts Erlang's name server, on a port of its own: another one on the machine, and the nodes
    /// that it knows, are left alone.
    ///
    /// # Errors
    /// It is not installed or does not start.
    pub fn start_port_mapper(&self, log: &Path) -> Result<Child> {
        let program = find_program("epmd").context("epmd is missing: install erlang-base")?;
        let port = self.port_mapper.to_string();
        let mut command = Command::new(program);
        command.args(["-address", "127.0.0.1", "-port", &port]);
        let mut child = process::start_detached(&mut command, log)?;
        let ready = || Ok(ports::answers(self.port_mapper));
        process::wait_ready("epmd", &mut child, log, Duration::from_secs(10), ready)?;
        Ok(child)
    }

    /// Starts the node, whose name server runs, and waits until it does its work.
    ///
    /// # Errors
    /// It does not.
    pub fn start(&self, program: &Path, log: &Path) -> Result<Child> {
        // A left-over pid would be taken for the new node's.
        let _ = fs::remove_file(self.file("pid"));
        let mut command = Command::new(program);
        self.configure(&mut command);
        let mut script = process::start_detached(&mut command, log)?;
        process::wait_ready("rabbitmq-server", &mut script, log, PATIENCE, || {
            Ok(speaks_amqp(self.amqp) && version(self.management).is_ok())
        })?;
        Ok(script)
    }

    /// The Erlang machine's pid, which is not the start script's.
    ///
    /// # Errors
    /// The node wrote none.
    pub fn pid(&self) -> Result<u32> {
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
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", marker(&self.home));
    }
}

/// The part of a private node's command line by which it is known again.
#[must_use]
pub fn marker(home: &Path) -> String {
    format!("-reen {}", home.display())
}

/// The address of a node on this machine, default virtual host.
#[must_use]
pub fn url(amqp: u16) -> String {
    format!("amqp://guest:guest@127.0.0.1:{amqp}/%2f")
}

/// The address of its HTTP API, with credentials.
#[must_use]
pub fn api_url(management: u16) -> String {
    format!("http://guest:guest@127.0.0.1:{management}")
}

/// Whether a broker listens on this port.
#[must_use]
pub fn speaks_amqp(port: u16) -> bool {
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

/// The version, which also shows that the HTTP API is up and knows the default user.
///
/// # Errors
/// It does not answer.
pub fn version(management: u16) -> Result<String> {
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

/// A RabbitMQ for one test; it ends when it is dropped.
pub struct Node {
    broker: Server,
    place: Place,
    // Dropped after the broker, which is registered there.
    _port_mapper: Server,
}

impl Node {
    /// Starts it with its folder below `folder`.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub fn start(folder: &Path) -> Result<Self> {
        let program = program()
            .context("no RabbitMQ is installed: `cargo xtask backends up` installs one")?;
        let home = folder.join("rabbitmq");
        let place = Place::prepare(&home, ports::choose()?, ports::choose()?)?;
        let (mapped, log) = (place.clone(), folder.join("epmd.log"));
        let port_mapper = Server::start(move || mapped.start_port_mapper(&log))?;
        let (started, log) = (place.clone(), folder.join("rabbitmq.log"));
        let broker = Server::start(move || started.start(&program, &log))?;
        Ok(Self {
            broker,
            place,
            _port_mapper: port_mapper,
        })
    }

    /// Its address, default virtual host.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.place.amqp)
    }

    /// The address of its HTTP API, with credentials.
    #[must_use]
    pub fn api_url(&self) -> String {
        api_url(self.place.management)
    }

    /// Ends it with SIGKILL; what it had confirmed is on disk.
    pub fn kill(&mut self) {
        self.broker.kill();
        // The start script was waited for; the Erlang machine, its child, may need a moment longer.
        let deadline = Instant::now() + Duration::from_secs(5);
        while ports::answers(self.place.amqp) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Starts it again with its queues.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        self.broker.restart()
    }
}
