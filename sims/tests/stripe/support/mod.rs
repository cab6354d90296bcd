//! What the tests of the Stripe stand-in share.

pub(crate) mod receiver;
pub(crate) mod usage;

use std::future::Future;
use std::time::Duration;

use reen_sims::stripe::{Config, Handle, StripeSim};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use receiver::Receiver;

/// The secret that signs the webhooks in these tests.
pub(crate) const SIGNING_SECRET: &str = "whsec_test";
/// Any well-formed key is an account of its own.
pub(crate) const SECRET_KEY: &str = "sk_test_4eC39HqLyjWDarjtT1zdp7dc";

const PATIENCE: Duration = Duration::from_secs(20);

/// A stand-in that runs in this process.
pub(crate) struct Running {
    pub(crate) base_url: String,
    pub(crate) client: stripe::Client,
    pub(crate) handle: Handle,
    http: reqwest::Client,
    shutdown: CancellationToken,
    server: JoinHandle<anyhow::Result<()>>,
}

/// A configuration whose retries are quick.
pub(crate) fn quick_config() -> Config {
    let mut config = Config::in_process(SIGNING_SECRET);
    config.retry.first = Duration::from_millis(10);
    config.retry.cap = Duration::from_millis(50);
    config
}

pub(crate) async fn start(config: Config) -> Running {
    let sim = StripeSim::build(config).await.unwrap();
    let base_url = sim.base_url();
    let handle = sim.handle();
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(sim.run(shutdown.clone()));
    let client = usage::stripe_client(SECRET_KEY, Some(&base_url)).unwrap();
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    Running {
        base_url,
        client,
        handle,
        http,
        shutdown,
        server,
    }
}

/// A stand-in and the receiver of its webhooks.
pub(crate) async fn start_with_receiver() -> (Running, Receiver) {
    let receiver = Receiver::start(&[]).await;
    let mut config = quick_config();
    config.webhook_url = Some(receiver.url.parse().unwrap());
    (start(config).await, receiver)
}

impl Running {
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.server.await.unwrap().unwrap();
    }

    /// A session over $25.00 that is open for an hour.
    pub(crate) async fn open_session(&self) -> usage::OpenedSession {
        usage::open_checkout(&self.client, &usage::Checkout::sample("checkout-1"))
            .await
            .unwrap()
    }

    /// `POST` with the key and a form, as written.
    pub(crate) async fn post_form(&self, path: &str, form: &str) -> (u16, Value) {
        let request = self
            .http
            .post(format!("{}{path}", self.base_url))
            .bearer_auth(SECRET_KEY)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned());
        json_answer(request).await
    }

    /// `POST` to the control API.
    pub(crate) async fn control(&self, path: &str, body: Value) -> (u16, Value) {
        let request = self
            .http
            .post(format!("{}{path}", self.base_url))
            .json(&body);
        json_answer(request).await
    }

    /// `GET` without a key, for the control API.
    pub(crate) async fn look(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.base_url));
        json_answer(request).await.1
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("{}{path}", self.base_url))
    }

    pub(crate) fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.post(format!("{}{path}", self.base_url))
    }

    /// Pays with a card that works, and answers the payment intent's id.
    pub(crate) async fn pay(&self, session: &str) -> String {
        let (status, paid) = self
            .control(
                &format!("/sim/sessions/{session}/pay"),
                json!({"card": "4242424242424242"}),
            )
            .await;
        assert_eq!(status, 200, "{paid}");
        paid["paymentIntent"].as_str().unwrap().to_owned()
    }

    /// Events of one type, oldest first.
    pub(crate) async fn events(&self, kind: &str) -> Vec<Value> {
        let all = self.look("/sim/events").await;
        let of_kind = all
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["type"] == kind);
        of_kind.cloned().collect()
    }
}

async fn json_answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).unwrap()
    };
    (status, body)
}

/// Asks again until there is an answer.
pub(crate) async fn wait_for<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    let asking = async {
        loop {
            ticks.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
