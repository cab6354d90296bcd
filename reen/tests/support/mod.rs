//! What operators talk to: events-handler and auth, on fresh databases, and the binary itself.
#![expect(clippy::unwrap_used, reason = "a test harness fails by panicking")]

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::{Command, Output};

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use reen_messaging::{Message, Queue};
use reen_mongo::Collection;
use reen_proto::auth::v1::auth_client::AuthClient;
use reen_proto::auth::v1::{SignUpRequest, User};
use reen_proto::events::v1::WebhookReceived;
use reen_testkit::{IDENTITY_SECRET, TestBroker, TestDatabase, body, in_background, peer};
use serde_json::Value;
use tokio_util::sync::DropGuard;
use uuid::Uuid;

const EVENTS: Queue = Queue {
    name: reen_proto::events::QUEUE,
};

pub(crate) struct World {
    /// What the binary reads.
    pub(crate) environment: HashMap<String, String>,
    pub(crate) sagas: Collection<Document>,
    auth: SocketAddr,
    broker: TestBroker,
    _databases: [TestDatabase; 2],
    _running: [DropGuard; 2],
}

/// What the binary said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) text: String,
    pub(crate) complaint: String,
}

impl World {
    pub(crate) async fn start() -> Self {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        reen_chassis::jwt::install();
        let databases = [TestDatabase::fresh(), TestDatabase::fresh()];
        let broker = TestBroker::fresh().await;
        let settings = settings(&databases, &broker);
        let auth = reen_auth::Config::read(&settings).unwrap();
        let auth = reen_auth::App::build(auth).await.unwrap();
        let handler = reen_events_handler::Config::read(&settings).unwrap();
        let handler = reen_events_handler::App::build(handler).await.unwrap();
        let (auth_address, handler_address) = (auth.address().unwrap(), handler.address().unwrap());
        let environment = HashMap::from([
            text("SERVICE_IDENTITY_SECRET", IDENTITY_SECRET),
            text("AUTH_SERVICE_URL", &format!("http://{auth_address}")),
            text(
                "EVENTS_HANDLER_SERVICE_URL",
                &format!("http://{handler_address}"),
            ),
        ]);
        Self {
            environment,
            sagas: databases[1].open().await.collection("sagas"),
            auth: auth_address,
            broker,
            _databases: databases,
            _running: [
                in_background(|stop| async { auth.run(stop).await.map_err(drop) }),
                in_background(|stop| async { Box::pin(handler.run(stop)).await.map_err(drop) }),
            ],
        }
    }

    /// Types a command and waits until it has ended.
    pub(crate) async fn type_in(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reen"));
        command.args(arguments).env_clear().envs(&self.environment);
        let ended = tokio::task::spawn_blocking(move || command.output());
        said(&ended.await.unwrap().unwrap())
    }

    /// The same with `--json`; answers the exit code and what was said.
    pub(crate) async fn type_for_machines(&self, arguments: &[&str]) -> (i32, Value) {
        let said = self.type_in(&[arguments, &["--json"]].concat()).await;
        let value = serde_json::from_str(&said.text);
        (
            said.code,
            value.unwrap_or_else(|error| panic!("{error}: {said:?}")),
        )
    }

    /// A saga of an order in this status, stuck where it did not get on; answers its id.
    pub(crate) async fn saga_in(&self, status: &str) -> String {
        let saga = saga(status);
        let id = saga.get_str("_id").unwrap().to_owned();
        self.sagas.insert_one(saga).await.unwrap();
        id
    }

    /// Puts an event on the queue that nobody can work on.
    pub(crate) async fn publish_poison(&self, event_id: &str) {
        let kind = "checkout.session.completed";
        let event = WebhookReceived {
            provider: "stripe".to_owned(),
            event_id: event_id.to_owned(),
            event_type: kind.to_owned(),
            body: br#"{"id":"poison"}"#.to_vec(),
            received_at: None,
        };
        let broker = self.broker.open().await;
        let publisher = broker.publisher(EVENTS).await.unwrap();
        publisher.publish(&Message::new(&event)).await.unwrap();
    }

    /// Somebody who signed up.
    pub(crate) async fn user(&self) -> User {
        let asked = SignUpRequest {
            name: "Ada".to_owned(),
            email: format!("{}@reen.example", Uuid::new_v4().simple()),
            password: "correct horse battery".to_owned(),
            ..SignUpRequest::default()
        };
        let mut auth = AuthClient::new(peer("gateway", reen_auth::NAME, self.auth));
        body(auth.sign_up(asked).await).user.unwrap()
    }
}

fn said(output: &Output) -> Said {
    Said {
        code: output.status.code().unwrap(),
        text: String::from_utf8(output.stdout.clone()).unwrap(),
        complaint: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

fn text(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

fn settings(databases: &[TestDatabase; 2], broker: &TestBroker) -> HashMap<String, String> {
    // Nobody listens there: a saga that goes on fails for now, and waits.
    let nowhere = "http://127.0.0.1:1";
    let services = ["AUTH", "PRODUCTS", "CART_ITEMS", "CHECKOUT", "ORDERS"];
    let away = services.map(|name| text(&format!("{name}_SERVICE_URL"), nowhere));
    let mut settings = HashMap::from(away);
    settings.extend([
        text("AUTH_PORT", "0"),
        text("AUTH_ADMIN_PORT", "0"),
        text("AUTH_DATABASE_URL", databases[0].url_text()),
        text("AUTH_SECRETS_KEY", &"0a".repeat(32)),
        text("EVENTS_HANDLER_PORT", "0"),
        text("EVENTS_HANDLER_ADMIN_PORT", "0"),
        text("EVENTS_DATABASE_URL", databases[1].url_text()),
        text("MESSAGE_BROKER_URL", broker.url_text()),
        text("SERVICE_IDENTITY_SECRET", IDENTITY_SECRET),
        text("STRIPE_SECRET_KEY", "sk_test_command_line"),
        text("STRIPE_API_BASE", nowhere),
        text("MAIL_DIR", std::env::temp_dir().to_str().unwrap()),
    ]);
    settings
}

fn saga(status: &str) -> Document {
    let key = ObjectId::new().to_hex();
    let now = DateTime::now();
    let state = doc! {
        "checkout_id": &key, "session_id": "cs_1", "payment_intent_id": "pi_1",
        "amount_cents": 12_500_i64, "currency": "usd",
    };
    let failed = doc! {
        "step": "record-payment", "entry": "acted", "outcome": "unavailable",
        "message": "checkout is away", "epoch": 3_i64, "at": now,
    };
    let mut saga = doc! {
        "_id": format!("order-completed:{key}"), "kind": "order-completed", "key": key,
        "version": 1, "status": status, "epoch": 3_i64, "leaseUntil": DateTime::from_millis(0),
        "step": 0, "state": state, "owed": ["record-payment", "commit-hold"], "attempts": 20_i64,
        "dueAt": now, "log": [failed], "createdAt": now, "updatedAt": now,
    };
    if status == "stuck" {
        saga.insert("stuckIn", "running");
    }
    saga
}
