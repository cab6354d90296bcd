use std::collections::HashMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;

use reen_backends::ports;
use reen_testkit::{IDENTITY_SECRET, Process, eventually};
use serde_json::Value;

pub(crate) const REEN: &str = env!("CARGO_BIN_EXE_reen");

pub(crate) type Settings = HashMap<String, String>;

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:1";
const LISTENERS: [&str; 6] = [
    "AUTH",
    "PRODUCTS",
    "CART_ITEMS",
    "CHECKOUT",
    "ORDERS",
    "EVENTS_HANDLER",
];

/// What every role reads but for its stores: free ports, and peers at these.
pub(crate) fn settings(own: &[(&str, &str)]) -> Settings {
    let mut settings = Settings::new();
    let mut set = |key: &str, value: &str| drop(settings.insert(key.to_owned(), value.to_owned()));
    let port = || ports::choose().unwrap().to_string();
    for name in LISTENERS {
        let grpc = port();
        set(&format!("{name}_PORT"), &grpc);
        set(&format!("{name}_ADMIN_PORT"), &port());
        let url = format!("http://127.0.0.1:{grpc}");
        set(&format!("{name}_SERVICE_URL"), &url);
    }
    for (key, value) in [
        ("PORT", port().as_str()),
        ("GATEWAY_ADMIN_PORT", &port()),
        ("SERVICE_IDENTITY_SECRET", IDENTITY_SECRET),
        ("AUTH_SECRETS_KEY", &"0a".repeat(32)),
        ("STRIPE_SECRET_KEY", "sk_test_process"),
        ("STRIPE_API_BASE", NOWHERE),
        ("STRIPE_WEBHOOK_SIGNING_SECRET", "whsec_process"),
        ("MAIL_DIR", std::env::temp_dir().to_str().unwrap()),
    ] {
        set(key, value);
    }
    for (key, value) in own {
        set(key, value);
    }
    settings
}

/// The process of a role, and where its settings have it listen.
pub(crate) struct Role {
    pub(crate) process: Process,
    settings: Settings,
}

impl Role {
    pub(crate) fn start(role: &str, settings: Settings) -> Self {
        Self {
            process: Process::serving(Path::new(REEN), role, &settings),
            settings,
        }
    }

    /// The same, once it is ready by the admin listener at the port that `key` sets.
    pub(crate) async fn ready(role: &str, settings: Settings, key: &str) -> Self {
        let role = Self::start(role, settings);
        role.until(key, 200).await;
        role
    }

    fn port(&self, key: &str) -> u16 {
        self.settings[key].parse().unwrap()
    }

    /// Status and body of an answer; nothing when nobody answers.
    pub(crate) fn get(&self, key: &str, path: &str) -> Option<(u16, Value)> {
        let url = format!("http://127.0.0.1:{}{path}", self.port(key));
        let asking = ureq::get(&url).config().http_status_as_error(false);
        let mut answer = asking.build().call().ok()?;
        let text = answer.body_mut().read_to_string().ok()?;
        Some((
            answer.status().as_u16(),
            serde_json::from_str(&text).unwrap(),
        ))
    }

    /// What it says of its readiness once it answers with this status.
    pub(crate) async fn until(&self, key: &str, status: u16) -> Value {
        eventually(&format!("readiness to be {status}"), async || {
            let (said, report) = self.get(key, "/health/ready")?;
            (said == status).then_some(report)
        })
        .await
    }

    /// A connection on which half a request was sent, which the process waits for.
    pub(crate) fn half_a_request(&self) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port("PORT"))).unwrap();
        let half = b"GET /api/v1/products HTTP/1.1\r\n";
        stream.write_all(half).unwrap();
        stream
    }
}
