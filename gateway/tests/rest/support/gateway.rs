use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reen_chassis::server::ServeError;
use reen_gateway::{App, Config};
use reen_messaging::{Broker, Delivery, Handler, Queue, Verdict, consume};
use reen_proto::events::QUEUE;
use reen_testkit::{IDENTITY_SECRET, TestBroker, eventually};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use stripe_webhook::Webhook;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Keys, Mesh, Peer};

pub(crate) const WEBHOOK_SECRET: &str = "whsec_of_these_tests";
pub(crate) const CLERK_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const ORIGIN: &str = "https://shop.example";
const PEERS: [&str; 6] = [
    "auth",
    "products",
    "cart-items",
    "checkout",
    "orders",
    "events-handler",
];

/// A running gateway and everything around it.
pub(crate) struct Gateway {
    pub(crate) mesh: Mesh,
    pub(crate) peers: HashMap<&'static str, Peer>,
    pub(crate) keys: Keys,
    pub(crate) base: String,
    pub(crate) admin: String,
    pub(crate) client: Client,
    broker: Arc<TestBroker>,
    environment: HashMap<String, String>,
    running: Option<JoinHandle<Result<(), ServeError>>>,
    stop: CancellationToken,
}

/// What the gateway answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .unwrap_or_else(|| panic!("{name} in {self:?}"))
            .to_str()
            .unwrap()
    }

    /// The status and the code of a problem document, which must be whole.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["statusCode"], problem["status"]);
        assert_eq!(problem["message"], problem["detail"]);
        assert_eq!(problem["requestId"], self.header("x-request-id"));
        for field in ["type", "title", "detail", "instance"] {
            assert!(problem[field].is_string(), "{field} in {problem}");
        }
        let code = problem["code"].as_str().unwrap();
        assert!(problem["type"].as_str().unwrap().ends_with(code));
        (self.status.as_u16(), code.to_owned())
    }

    /// The failing fields with their codes, sorted.
    pub(crate) fn failing(&self) -> Vec<(String, String)> {
        let problem = self.json();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let fields = errors
            .iter()
            .map(|each| (word(&each["field"]), word(&each["code"])));
        let mut fields: Vec<_> = fields.collect();
        fields.sort();
        fields
    }
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A gateway with these settings over the usual ones.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let keys = Keys::new("first");
        let mesh = Mesh::new(&keys);
        let broker = Arc::new(TestBroker::fresh().await);
        let mut peers = HashMap::new();
        for name in PEERS {
            peers.insert(name, Peer::start(name, &mesh).await);
        }
        let mut environment = environment(&broker, &peers);
        for (key, value) in settings {
            environment.insert((*key).to_owned(), (*value).to_owned());
        }
        Self::run(mesh, peers, keys, broker, environment).await
    }

    /// Another gateway with the same settings, in front of the same peers.
    pub(crate) async fn replica(&self) -> Self {
        let (mesh, keys) = (self.mesh.clone(), self.keys.clone());
        let (broker, environment) = (self.broker.clone(), self.environment.clone());
        Self::run(mesh, HashMap::new(), keys, broker, environment).await
    }

    async fn run(
        mesh: Mesh,
        peers: HashMap<&'static str, Peer>,
        keys: Keys,
        broker: Arc<TestBroker>,
        environment: HashMap<String, String>,
    ) -> Self {
        let app = App::build(Config::read(&environment).unwrap())
            .await
            .unwrap();
        let base = format!("http://{}", app.address().unwrap());
        let admin = format!("http://{}", app.admin_address().unwrap());
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(app.run(shutdown.clone()));
        Self {
            mesh,
            peers,
            keys,
            base,
            admin,
            client: Client::builder().no_proxy().build().unwrap(),
            broker,
            environment,
            running: Some(running),
            stop: shutdown,
        }
    }

    /// Tells it to stop; the handle ends when it has.
    pub(crate) fn stop(&mut self) -> JoinHandle<Result<(), ServeError>> {
        self.stop.cancel();
        self.running.take().unwrap()
    }

    /// A request to a path below the base path of the interface.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}/api/v1{path}", self.base))
    }

    /// A request to any path, signed in as `user`.
    pub(crate) fn anywhere(&self, user: &str, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(self.keys.token(user))
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// The same, signed in as `user`.
    pub(crate) fn signed_in(&self, user: &str, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path)
            .bearer_auth(self.keys.token(user))
    }

    /// Sends an event as Stripe does.
    pub(crate) async fn send_event(&self, body: &str) -> Answer {
        let signature = Webhook::generate_test_header(body, WEBHOOK_SECRET, None);
        let request = self
            .post("/webhooks/stripe")
            .header("stripe-signature", signature);
        send(request.body(body.to_owned())).await
    }

    /// Takes the next message off the queue: its kind, and what `read` makes of it.
    pub(crate) async fn next_message<T: Send + 'static>(
        &self,
        read: fn(&Delivery) -> Result<T, String>,
    ) -> T {
        let broker = self.broker.open().await;
        let caught = Arc::new(Mutex::new(None));
        let catcher = Arc::new(Catcher {
            read,
            caught: caught.clone(),
        });
        let stop = CancellationToken::new();
        let queue = Queue { name: QUEUE };
        let consuming = tokio::spawn(consume(broker.clone(), queue, 1, catcher, stop.clone()));
        let message = eventually("a message", async || caught.lock().unwrap().take()).await;
        stop.cancel();
        consuming.await.unwrap().unwrap();
        broker.close().await;
        message
    }

    /// Reads messages from `broker` from now on.
    pub(crate) fn use_broker(&mut self, broker: TestBroker) {
        self.broker = Arc::new(broker);
    }

    /// The broker that it is connected to.
    pub(crate) async fn broker(&self) -> Broker {
        self.broker.open().await
    }

    /// How many messages wait.
    pub(crate) async fn depth(&self) -> u64 {
        self.broker.depth(QUEUE).await
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Catcher<T> {
    read: fn(&Delivery) -> Result<T, String>,
    caught: Arc<Mutex<Option<T>>>,
}

#[tonic::async_trait]
impl<T: Send + 'static> Handler for Catcher<T> {
    async fn handle(&self, delivery: Delivery) -> Verdict {
        *self.caught.lock().unwrap() = Some((self.read)(&delivery).unwrap());
        Verdict::Done
    }
}

/// Sends the request and reads the whole answer.
pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

/// Sends `text` on a bare connection and answers what comes until the other side closes.
pub(crate) async fn talk(gateway: &Gateway, text: &str) -> String {
    let address = gateway.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let listening = stream.read_to_end(&mut heard);
    tokio::time::timeout(Duration::from_secs(20), listening)
        .await
        .expect("the gateway hangs up")
        .unwrap();
    String::from_utf8_lossy(&heard).into_owned()
}

fn environment(
    broker: &TestBroker,
    peers: &HashMap<&'static str, Peer>,
) -> HashMap<String, String> {
    let mut environment = HashMap::from(
        [
            ("PORT", "0"),
            ("GATEWAY_ADMIN_PORT", "0"),
            ("SERVICE_IDENTITY_SECRET", IDENTITY_SECRET),
            ("MESSAGE_BROKER_URL", broker.url_text()),
            ("STRIPE_WEBHOOK_SIGNING_SECRET", WEBHOOK_SECRET),
            ("CLERK_WEBHOOK_SIGNING_SECRET", CLERK_SECRET),
            ("FRONTEND_BASE_URL", ORIGIN),
            ("RATE_LIMIT_SIGN_IN", "off"),
            ("RATE_LIMIT_WEBHOOK", "off"),
            ("RATE_LIMIT_WRITE", "off"),
            ("RATE_LIMIT_READ", "off"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    for (name, peer) in peers {
        let key = format!("{}_SERVICE_URL", name.replace('-', "_").to_uppercase());
        environment.insert(key, format!("http://{}", peer.address));
    }
    environment
}
