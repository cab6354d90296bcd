use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use reen_backends::ports;
use reen_invariants::Databases;
use reen_sims::stripe::{Config as StripeConfig, StripeSim};
use reen_testkit::{IDENTITY_SECRET, Process, TestBroker, TestDatabase, eventually};
use reen_tests::WEBHOOK_SECRET;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

type Settings = HashMap<String, String>;

/// A role, how its settings begin, and those of its database.
const SERVICES: [(&str, &str, &str); 6] = [
    ("auth", "AUTH", "AUTH"),
    ("products", "PRODUCTS", "PRODUCTS"),
    ("cart-items", "CART_ITEMS", "CART_ITEMS"),
    ("checkout", "CHECKOUT", "CHECKOUT"),
    ("orders", "ORDERS", "ORDERS"),
    ("events-handler", "EVENTS_HANDLER", "EVENTS"),
];

/// Two processes of each role, each of which knows both of each other.
pub(crate) struct Fleet {
    /// In the order in which they are exchanged. There are services between the gateways: nginx does not
    /// ask one that refused a connection for three seconds.
    pub(crate) replicas: Vec<Replica>,
    /// Where Stripe's stand-in serves.
    pub(crate) stripe: String,
    gateways: [u16; 2],
    databases: HashMap<&'static str, TestDatabase>,
    _broker: TestBroker,
    _mail: TempDir,
    _running: DropGuard,
}

impl Fleet {
    pub(crate) async fn start() -> Self {
        let stop = CancellationToken::new();
        let sim = StripeSim::build(StripeConfig::in_process(WEBHOOK_SECRET)).await;
        let sim = sim.unwrap();
        let gateways = [(); 2].map(|()| ports::choose().unwrap());
        // Stripe sends again what a gateway that is stopping does not take.
        let webhooks = format!("http://127.0.0.1:{}/api/v1/webhooks/stripe", gateways[0]);
        sim.handle().set_webhook_url(&webhooks).unwrap();
        let stripe = sim.base_url();
        tokio::spawn(sim.run(stop.clone()));
        let databases: HashMap<_, _> = SERVICES
            .map(|(_, _, database)| (database, TestDatabase::fresh()))
            .into();
        let broker = TestBroker::fresh().await;
        let mail = tempfile::tempdir().unwrap();
        let mut common = common(&databases, broker.url_text(), &stripe);
        common.insert("MAIL_DIR".to_owned(), mail.path().display().to_string());
        let mut replicas = services(&mut common);
        let [first, last] = gateways.map(|port| gateway(&common, port));
        replicas.insert(0, first);
        replicas.push(last);
        for replica in &replicas {
            replica.until_ready().await;
        }
        Self {
            replicas,
            stripe,
            gateways,
            databases,
            _broker: broker,
            _mail: mail,
            _running: stop.drop_guard(),
        }
    }

    /// Where the two gateways listen.
    pub(crate) fn gateways(&self) -> [SocketAddr; 2] {
        self.gateways.map(|port| (Ipv4Addr::LOCALHOST, port).into())
    }

    /// The databases, for the checker.
    pub(crate) async fn databases(&self) -> Databases {
        let open = async |name| self.databases[name].open().await;
        Databases {
            auth: open("AUTH").await,
            products: open("PRODUCTS").await,
            cart_items: open("CART_ITEMS").await,
            checkout: open("CHECKOUT").await,
            orders: open("ORDERS").await,
            events: open("EVENTS").await,
        }
    }
}

/// One process, which can be exchanged for another of its kind.
pub(crate) struct Replica {
    pub(crate) name: String,
    role: &'static str,
    settings: Settings,
    ready_url: String,
    process: Process,
    /// What those said that were in its place.
    said: String,
}

impl Replica {
    fn start(name: String, role: &'static str, settings: Settings, admin_key: &str) -> Self {
        let ready_url = format!("{}/health/ready", local(&settings[admin_key]));
        let process = Process::serving(&program(), role, &settings);
        Self {
            name,
            role,
            settings,
            ready_url,
            process,
            said: String::new(),
        }
    }

    /// Stops it as whatever runs it would, waits until it has ended, and starts it again; answers how long
    /// stopping took.
    pub(crate) async fn exchange(&mut self) -> Duration {
        self.process.terminate();
        let (code, stopped_in) = self.process.ended().await;
        assert_eq!(code, 0, "{}: {}", self.name, self.process.log());
        self.said.push_str(&self.process.log());
        self.process = Process::serving(&program(), self.role, &self.settings);
        self.until_ready().await;
        stopped_in
    }

    async fn until_ready(&self) {
        eventually(&format!("{} to be ready", self.name), async || {
            let answer = reqwest::get(&self.ready_url).await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }
}

/// Tells what may have failed the test.
impl Drop for Replica {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        self.said.push_str(&self.process.log());
        let is_bad = |line: &&str| line.contains("WARN") || line.contains("ERROR");
        for line in self.said.lines().filter(is_bad) {
            eprintln!("{}: {line}", self.name);
        }
    }
}

fn common(databases: &HashMap<&'static str, TestDatabase>, broker: &str, stripe: &str) -> Settings {
    let mut settings = Settings::new();
    let mut set = |key: &str, value: &str| drop(settings.insert(key.to_owned(), value.to_owned()));
    for (name, database) in databases {
        set(&format!("{name}_DATABASE_URL"), database.url_text());
    }
    for kind in ["SIGN_IN", "WEBHOOK", "WRITE", "READ"] {
        set(&format!("RATE_LIMIT_{kind}"), "off");
    }
    for (key, value) in [
        ("MESSAGE_BROKER_URL", broker),
        ("SERVICE_IDENTITY_SECRET", IDENTITY_SECRET),
        ("AUTH_SECRETS_KEY", &"0a".repeat(32)),
        ("STRIPE_SECRET_KEY", "sk_test_rolling"),
        ("STRIPE_API_BASE", stripe),
        ("STRIPE_WEBHOOK_SIGNING_SECRET", WEBHOOK_SECRET),
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("COOKIE_SECURE", "true"),
    ] {
        set(key, value);
    }
    settings
}

/// Starts two of each, after `common` says where all of them are.
fn services(common: &mut Settings) -> Vec<Replica> {
    let ports = SERVICES.map(|_| [(); 2].map(|()| ports::choose().unwrap().to_string()));
    for ((_, prefix, _), ports) in SERVICES.iter().zip(&ports) {
        let urls = ports.each_ref().map(|port| local(port)).join(",");
        common.insert(format!("{prefix}_SERVICE_URL"), urls);
    }
    let mut replicas = Vec::new();
    for ((role, prefix, _), ports) in SERVICES.into_iter().zip(ports) {
        for (port, number) in ports.into_iter().zip(1..) {
            let mut settings = common.clone();
            let admin = ports::choose().unwrap().to_string();
            let admin_key = format!("{prefix}_ADMIN_PORT");
            settings.extend([(format!("{prefix}_PORT"), port), (admin_key.clone(), admin)]);
            let name = format!("{role} {number}");
            replicas.push(Replica::start(name, role, settings, &admin_key));
        }
    }
    replicas
}

/// With the drain of production: in front of it there is nginx, which keeps connections open for four seconds.
fn gateway(common: &Settings, port: u16) -> Replica {
    let mut settings = common.clone();
    let admin = ports::choose().unwrap();
    for (key, value) in [
        ("PORT", port.to_string()),
        ("GATEWAY_ADMIN_PORT", admin.to_string()),
        ("DRAIN_SECONDS", "5".to_owned()),
    ] {
        settings.insert(key.to_owned(), value);
    }
    let name = format!("gateway at {port}");
    Replica::start(name, "gateway", settings, "GATEWAY_ADMIN_PORT")
}

fn local(port: &str) -> String {
    format!("http://127.0.0.1:{port}")
}

/// `reen`, which is built beside the folder of this test.
fn program() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let program = this.ancestors().nth(2).unwrap().join("reen");
    assert!(program.is_file(), "cargo build --bin reen");
    program
}
