//! The events-handler on a fresh database, virtual host and Stripe stand-in, among services that note
//! what they are asked and fail as they are told.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a test harness fails by panicking")]

pub(crate) mod book;
pub(crate) mod process;
pub(crate) mod refunds;
mod services;
mod stripe;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bson::{Document, doc};
use reen_events_handler::{App, Config};
use reen_messaging::{Message, Publisher, Queue};
use reen_proto::events::v1::WebhookReceived;
use reen_testkit::{IDENTITY_SECRET, TestBroker, TestDatabase, eventually, in_background};
use serde_json::json;
use tokio_util::sync::DropGuard;

use book::Book;
use reen_mongo::Collection;
use stripe::Stripe;

pub(crate) const BUYER: &str = "66f000000000000000000001";
pub(crate) const SELLER: &str = "66f000000000000000000002";
pub(crate) const ORDER: &str = "66f000000000000000000003";
pub(crate) const TOTAL_CENTS: i64 = 12_500;
/// What is refunded at Stripe's side.
pub(crate) const OUTSIDE_CENTS: i64 = 700;

const EVENTS: Queue = Queue {
    name: reen_proto::events::QUEUE,
};

pub(crate) struct World {
    pub(crate) book: Arc<Book>,
    pub(crate) stripe: Stripe,
    pub(crate) broker: TestBroker,
    pub(crate) sagas: Collection<Document>,
    pub(crate) mail: PathBuf,
    publisher: Publisher,
    pub(crate) settings: HashMap<String, String>,
    database: TestDatabase,
    _services: Vec<DropGuard>,
    app: Option<DropGuard>,
    admin: Option<SocketAddr>,
    address: Option<SocketAddr>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let mut world = Self::without_app().await;
        world.start_app().await;
        world
    }

    pub(crate) async fn without_app() -> Self {
        let book = Arc::new(Book::default());
        let stripe = Stripe::start().await;
        let database = TestDatabase::fresh();
        let broker = TestBroker::fresh().await;
        let (addresses, services) = services::serve_all(&book).await;
        let mail = std::env::temp_dir().join(format!("reen-mail-{}", uuid::Uuid::new_v4()));
        let mut settings = addresses;
        for (key, value) in [
            ("EVENTS_HANDLER_ADMIN_PORT", "0"),
            ("EVENTS_HANDLER_PORT", "0"),
            ("EVENTS_DATABASE_URL", database.url_text()),
            ("MESSAGE_BROKER_URL", broker.url_text()),
            ("SERVICE_IDENTITY_SECRET", IDENTITY_SECRET),
            ("STRIPE_SECRET_KEY", "sk_test_events_handler"),
            ("STRIPE_API_BASE", &stripe.base_url),
            ("MAIL_DIR", mail.to_str().unwrap()),
        ] {
            settings.insert(key.to_owned(), value.to_owned());
        }
        let publisher = broker.open().await.publisher(EVENTS).await.unwrap();
        Self {
            book,
            stripe,
            sagas: database.open().await.collection("sagas"),
            mail,
            publisher,
            settings,
            broker,
            database,
            _services: services,
            app: None,
            admin: None,
            address: None,
        }
    }

    /// Starts the process; dropping the old one first makes this a restart.
    pub(crate) async fn start_app(&mut self) {
        let app = self.build_app().await;
        self.admin = Some(app.admin_address().unwrap());
        self.address = Some(app.address().unwrap());
        self.app = Some(in_background(|stop| app.run(stop)));
    }

    /// Another process beside the one there may be; answers its admin listener.
    pub(crate) async fn replica(&self) -> (SocketAddr, DropGuard) {
        let app = self.build_app().await;
        let admin = app.admin_address().unwrap();
        (admin, in_background(|stop| app.run(stop)))
    }

    async fn build_app(&self) -> App {
        let config = Config::read(&self.settings).unwrap();
        App::build(config).await.unwrap()
    }

    /// Where the process answers operators.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address.unwrap()
    }

    /// What the process measured, as it tells it.
    pub(crate) async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.admin.unwrap());
        let answer = reqwest::get(url).await.unwrap();
        answer.text().await.unwrap()
    }

    /// A paid session for `checkout_id`, and its event on the queue `times` times.
    pub(crate) async fn pay(&self, checkout_id: &str, times: usize) {
        let paid = self.stripe.paid_session(checkout_id, TOTAL_CENTS).await;
        for _ in 0..times {
            self.publish(&paid.event_id, "checkout.session.completed", &paid.event)
                .await;
        }
    }

    pub(crate) async fn publish(&self, event_id: &str, kind: &str, event: &serde_json::Value) {
        self.publish_of("stripe", event_id, kind, event).await;
    }

    /// An event of Clerk about `user`.
    pub(crate) async fn publish_of_clerk(
        &self,
        event_id: &str,
        kind: &str,
        user: &serde_json::Value,
    ) {
        let event = json!({"object": "event", "type": kind, "data": user});
        self.publish_of("clerk", event_id, kind, &event).await;
    }

    async fn publish_of(
        &self,
        provider: &str,
        event_id: &str,
        kind: &str,
        event: &serde_json::Value,
    ) {
        let webhook = WebhookReceived {
            provider: provider.to_owned(),
            event_id: event_id.to_owned(),
            event_type: kind.to_owned(),
            body: serde_json::to_vec(event).unwrap(),
            received_at: None,
        };
        self.publisher
            .publish(&Message::new(&webhook))
            .await
            .unwrap();
    }

    pub(crate) async fn publish_message(&self, message: &Message) {
        self.publisher.publish(message).await.unwrap();
    }

    pub(crate) async fn database(&self) -> reen_mongo::Database {
        self.database.open().await
    }

    /// The saga once it has this status.
    pub(crate) async fn saga_in(&self, kind: &str, key: &str, status: &str) -> Document {
        let id = format!("{kind}:{key}");
        let wanted = doc! {"_id": &id, "status": status};
        eventually(&format!("{id} to be {status}"), async || {
            self.sagas.find_one(wanted.clone()).await.unwrap()
        })
        .await
    }

    pub(crate) async fn order_saga_in(&self, checkout_id: &str, status: &str) -> Document {
        self.saga_in("order-completed", checkout_id, status).await
    }

    /// Everything that was written to `address`.
    pub(crate) fn letters_to(&self, address: &str) -> Vec<String> {
        let recipient = format!("<{address}>");
        std::fs::read_dir(&self.mail)
            .unwrap()
            .filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok())
            .filter(|letter| {
                letter
                    .lines()
                    .any(|line| line.starts_with("To:") && line.contains(&recipient))
            })
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _never_made = std::fs::remove_dir_all(&self.mail);
    }
}

/// A fresh checkout id.
pub(crate) fn checkout_id() -> String {
    bson::oid::ObjectId::new().to_hex()
}

/// A session's event as Stripe sends it, as far as it is read.
pub(crate) fn session_event(
    event_id: &str,
    kind: &str,
    session: &serde_json::Value,
) -> serde_json::Value {
    json!({"id": event_id, "object": "event", "type": kind, "data": {"object": session}})
}
