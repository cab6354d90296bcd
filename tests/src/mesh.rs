use std::collections::HashMap;
use std::path::PathBuf;

use reen_backends::ports;
use reen_chassis::telemetry::{self, LogFormat};
use reen_proto::auth::v1::SetOperatorRequest;
use reen_proto::auth::v1::auth_client::AuthClient;
use reen_sims::stripe::{Config as StripeConfig, StripeSim};
use reen_testkit::{IDENTITY_SECRET, TestBroker, TestDatabase, eventually, identity};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Client, GatewayReplica};

/// With which Stripe signs.
pub const WEBHOOK_SECRET: &str = "whsec_end_to_end";
/// With which Clerk signs, in the form in which Svix writes its secrets.
pub const CLERK_SECRET: &str = "whsec_ZW5kLXRvLWVuZC10ZXN0cy1vZi1yZWVu";
/// With which auth seals what it stores.
const AUTH_SECRETS_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SERVICES: [&str; 6] = [
    "AUTH",
    "PRODUCTS",
    "CART_ITEMS",
    "CHECKOUT",
    "ORDERS",
    "EVENTS_HANDLER",
];
const DATABASES: [&str; 6] = [
    "AUTH",
    "PRODUCTS",
    "CART_ITEMS",
    "CHECKOUT",
    "ORDERS",
    "EVENTS",
];

/// A mesh with a seller who offers one product, and a buyer.
pub struct Scene {
    /// The mesh.
    pub mesh: Mesh,
    /// Who offers it.
    pub seller: Client,
    /// Who may buy it.
    pub buyer: Client,
    /// The product's id.
    pub product: String,
}

impl Scene {
    /// Everything as it is at first, with so many pieces at this price.
    pub async fn with(price: &str, pieces: i64) -> Self {
        Self::on(Mesh::start().await, price, pieces).await
    }

    /// The same on a mesh with other settings.
    pub async fn on(mesh: Mesh, price: &str, pieces: i64) -> Self {
        let seller = mesh.seller().await;
        let buyer = mesh.buyer().await;
        let product = seller.list_product(price, pieces).await;
        Self {
            mesh,
            seller,
            buyer,
            product,
        }
    }
}

/// A running mesh; it stops when it is dropped.
pub struct Mesh {
    /// Where the gateway serves, without a path.
    pub gateway: String,
    /// Where the Stripe stand-in serves.
    pub stripe: String,
    /// Where letters are kept.
    pub mail: PathBuf,
    settings: HashMap<String, String>,
    databases: HashMap<&'static str, TestDatabase>,
    _broker: TestBroker,
    _running: DropGuard,
}

/// Builds an app from the settings and runs it until the token is cancelled.
macro_rules! start {
    ($app:ident, $settings:expr, $stop:expr) => {{
        let config = $app::Config::read($settings).expect("complete settings");
        let app = $app::App::build(config).await.expect("the app starts");
        tokio::spawn(app.run($stop.clone()));
    }};
}

impl Mesh {
    /// Starts everything.
    ///
    /// # Panics
    /// When the backends are away or an app does not start.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts everything with some settings changed.
    ///
    /// # Panics
    /// When the backends are away or an app does not start.
    pub async fn start_with(changed: &[(&str, &str)]) -> Self {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        reen_chassis::jwt::install();
        if let Ok(filter) = std::env::var("RUST_LOG") {
            telemetry::init(LogFormat::Pretty, &filter);
        }
        let broker = TestBroker::fresh().await;
        let databases: HashMap<_, _> = DATABASES
            .into_iter()
            .map(|name| (name, TestDatabase::fresh()))
            .collect();
        let stop = CancellationToken::new();
        let sim = StripeSim::build(StripeConfig::in_process(WEBHOOK_SECRET)).await;
        let sim = sim.expect("the Stripe stand-in starts");
        let mail = std::env::temp_dir().join(format!("reen-mail-{}", uuid::Uuid::new_v4()));
        let mut settings = settings(&databases, &broker, &sim.base_url());
        settings.insert("MAIL_DIR".to_owned(), mail.display().to_string());
        for (key, value) in changed {
            settings.insert((*key).to_owned(), (*value).to_owned());
        }
        start!(reen_auth, &settings, stop);
        start!(reen_products, &settings, stop);
        start!(reen_cart_items, &settings, stop);
        start!(reen_checkout, &settings, stop);
        start!(reen_orders, &settings, stop);
        start!(reen_events_handler, &settings, stop);
        let gateway = reen_gateway::Config::read(&settings).expect("complete settings");
        let gateway = reen_gateway::App::build(gateway)
            .await
            .expect("the gateway starts");
        let address = gateway.address().expect("bound");
        tokio::spawn(gateway.run(stop.clone()));
        let gateway = format!("http://{address}");
        let webhooks = format!("{gateway}/api/v1/webhooks/stripe");
        sim.handle().set_webhook_url(&webhooks).expect("a URL");
        let stripe = sim.base_url();
        tokio::spawn(sim.run(stop.clone()));
        Self {
            gateway,
            stripe,
            mail,
            settings,
            databases,
            _broker: broker,
            _running: stop.drop_guard(),
        }
    }

    /// Starts one more gateway, with some settings changed.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn another_gateway(&self, changed: &[(&str, &str)]) -> GatewayReplica {
        let mut settings = self.settings.clone();
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        settings.extend(changed.iter().map(owned));
        GatewayReplica::start(settings).await
    }

    /// What every process of it was started with.
    #[must_use]
    pub fn settings(&self) -> &HashMap<String, String> {
        &self.settings
    }

    /// The URL of a service's gRPC listener, by the prefix of its settings, e.g. `AUTH`.
    ///
    /// # Panics
    /// When there is no such service.
    #[must_use]
    pub fn service_url(&self, prefix: &str) -> &str {
        self.settings
            .get(&format!("{prefix}_SERVICE_URL"))
            .expect("a service of the mesh")
    }

    /// The database of a process, by the prefix of its settings.
    ///
    /// # Panics
    /// When MongoDB is away or there is no such database.
    pub async fn database(&self, prefix: &str) -> reen_mongo::Database {
        self.databases
            .get(prefix)
            .expect("a database of the mesh")
            .open()
            .await
    }

    /// A client that is not signed in.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.gateway, &self.stripe)
    }

    /// A signed-in buyer with an address of its own.
    pub async fn buyer(&self) -> Client {
        let mut client = self.client();
        client.sign_up("Bea Buyer").await;
        client
    }

    /// A signed-in seller.
    ///
    /// # Panics
    /// When the upgrade is refused.
    pub async fn seller(&self) -> Client {
        let mut client = self.client();
        client.sign_up("Sam Seller").await;
        let upgrade = client
            .post("/auth/update-user-role", json!({"role": "ADMIN"}))
            .await;
        assert_eq!(upgrade.status, 200, "{}", upgrade.body);
        client
    }

    /// A signed-in operator.
    ///
    /// # Panics
    /// When auth is away.
    pub async fn operator(&self) -> Client {
        let client = self.buyer().await;
        self.set_operator(&client, true).await;
        client
    }

    /// Sets whether somebody is an operator, as the command line does.
    ///
    /// # Panics
    /// When auth is away.
    pub async fn set_operator(&self, client: &Client, operator: bool) {
        let address = self.service_url("AUTH").parse().expect("a URL");
        let channel = reen_chassis::client::connect(&identity("reen"), "auth", &[address]);
        let asked = SetOperatorRequest {
            email: client.email.clone(),
            operator,
        };
        let mut auth = AuthClient::new(channel.expect("a channel"));
        auth.set_operator(asked).await.expect("the role is set");
    }

    /// Every event that Stripe sent, once `count` of this type were delivered.
    pub async fn delivered_events(&self, kind: &str, count: usize) -> Vec<Value> {
        let client = self.client();
        eventually(&format!("{count} delivered {kind}"), async || {
            let events = client.stripe_get("/sim/events").await;
            let events = events.as_array().cloned().unwrap_or_default();
            let delivered: Vec<Value> = events
                .into_iter()
                .filter(|event| event["type"] == kind && event["delivered"] == true)
                .collect();
            (delivered.len() >= count).then_some(delivered)
        })
        .await
    }

    /// What was written to `address` about what was bought or sold there.
    #[must_use]
    pub fn order_letters_to(&self, address: &str) -> Vec<String> {
        let mut letters = self.letters_to(address);
        letters.retain(|letter| !letter.contains("Subject: Verify your e-mail address"));
        letters
    }

    /// Everything that was written to `address`.
    #[must_use]
    pub fn letters_to(&self, address: &str) -> Vec<String> {
        let recipient = format!("<{address}>");
        let Ok(entries) = std::fs::read_dir(&self.mail) else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok())
            .filter(|letter| {
                letter
                    .lines()
                    .any(|line| line.starts_with("To:") && line.contains(&recipient))
            })
            .collect()
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        let _never_made = std::fs::remove_dir_all(&self.mail);
    }
}

fn settings(
    databases: &HashMap<&'static str, TestDatabase>,
    broker: &TestBroker,
    stripe: &str,
) -> HashMap<String, String> {
    let mut settings = HashMap::new();
    let mut set = |key: String, value: String| drop(settings.insert(key, value));
    for name in SERVICES {
        let port = ports::choose().expect("a free port");
        set(format!("{name}_PORT"), port.to_string());
        set(format!("{name}_ADMIN_PORT"), "0".to_owned());
        set(
            format!("{name}_SERVICE_URL"),
            format!("http://127.0.0.1:{port}"),
        );
    }
    for (name, database) in databases {
        set(
            format!("{name}_DATABASE_URL"),
            database.url_text().to_owned(),
        );
    }
    for (key, value) in [
        ("PORT", "0"),
        ("GATEWAY_ADMIN_PORT", "0"),
        ("MESSAGE_BROKER_URL", broker.url_text()),
        ("SERVICE_IDENTITY_SECRET", IDENTITY_SECRET),
        ("AUTH_SECRETS_KEY", AUTH_SECRETS_KEY),
        ("FRONTEND_BASE_URL", "http://localhost:3000"),
        // Everybody here comes from one address.
        ("RATE_LIMIT_SIGN_IN", "off"),
        ("RATE_LIMIT_WEBHOOK", "off"),
        ("RATE_LIMIT_WRITE", "off"),
        ("RATE_LIMIT_READ", "off"),
        ("STRIPE_SECRET_KEY", "sk_test_end_to_end"),
        ("STRIPE_API_BASE", stripe),
        ("STRIPE_WEBHOOK_SIGNING_SECRET", WEBHOOK_SECRET),
        ("CLERK_WEBHOOK_SIGNING_SECRET", CLERK_SECRET),
    ] {
        set(key.to_owned(), value.to_owned());
    }
    settings
}
