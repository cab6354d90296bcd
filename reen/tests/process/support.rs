use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use reen_backends::ports;
use reen_testkit::{IDENTITY_SECRET, PATIENCE, Process, eventually};
use serde_json::Value;

pub(crate) const REEN: &str = env!("CARGO_BIN_EXE_reen");

pub(crate) type Settings = HashMap<String, String>;

const SIGN_IN: &[u8] = br#"{"email": "a@reen.example", "password": "correct horse"}"#;
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
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

    /// A request that the process is at work on: it waits for the body, and has asked for it.
    pub(crate) fn request_in_flight(&self) -> RequestInFlight {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port("PORT"))).unwrap();
        let head = format!(
            "POST /api/v1/auth/sign-in HTTP/1.1\r\nhost: shop.test\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nexpect: 100-continue\r\n\r\n",
            SIGN_IN.len()
        );
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut asked = [0; CONTINUE.len()];
        stream.read_exact(&mut asked).unwrap();
        assert_eq!(
            asked.escape_ascii().to_string(),
            CONTINUE.escape_ascii().to_string()
        );
        RequestInFlight(stream)
    }
}

/// One whose body is not there yet.
pub(crate) struct RequestInFlight(TcpStream);

impl RequestInFlight {
    /// Sends the body, and answers all that is said until the connection ends.
    pub(crate) fn finish(mut self) -> String {
        self.0.write_all(SIGN_IN).unwrap();
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).unwrap();
        answer
    }
}
