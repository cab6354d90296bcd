//! Stripe's stand-in, and how a test looks at it.

use std::time::Duration;

use reen_proto::checkout::v1::CheckoutSession;
use reen_sims::stripe::{Config, StripeSim};
use reen_testkit::in_background;
use reqwest::Client;
use serde_json::{Value, json};
use tokio_util::sync::DropGuard;

pub(crate) const SECRET_KEY: &str = "sk_test_of_the_checkout_service";

pub(crate) struct StripeStandIn {
    pub(crate) base_url: String,
    http: Client,
    _running: DropGuard,
}

impl StripeStandIn {
    pub(crate) async fn start(minimum_session_life: Duration) -> Self {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let mut config = Config::in_process("whsec_test");
        config.minimum_session_life = minimum_session_life;
        let sim = StripeSim::build(config).await.unwrap();
        let base_url = sim.base_url();
        Self {
            base_url,
            http: Client::builder().no_proxy().build().unwrap(),
            _running: in_background(|stop| sim.run(stop)),
        }
    }

    /// Pays, and answers the payment intent.
    pub(crate) async fn pay(&self, session_id: &str) -> String {
        let path = format!("/sim/sessions/{session_id}/pay");
        let paid = self.post(&path, json!({"card": "4242424242424242"})).await;
        paid["paymentIntent"].as_str().unwrap().to_owned()
    }

    /// The next calls suffer `fault`, see the stand-in's `/sim/faults`.
    pub(crate) async fn suffer(&self, fault: Value) {
        self.post("/sim/faults", fault).await;
    }

    /// Every call to `path` (below `/v1/checkout/sessions`) fails until [`Self::recover`].
    pub(crate) async fn be_away(&self, path: &str) {
        let path = format!("/v1/checkout/sessions{path}");
        let fault = json!({"path": path, "times": 100_000, "status": 503});
        self.suffer(fault).await;
    }

    pub(crate) async fn recover(&self) {
        let url = format!("{}/sim/faults", self.base_url);
        self.http.delete(url).send().await.unwrap();
    }

    /// Every session that was made.
    pub(crate) async fn sessions(&self) -> Vec<Value> {
        let list = self.get("/v1/checkout/sessions?limit=100").await;
        list["data"].as_array().unwrap().clone()
    }

    pub(crate) async fn session(&self, id: &str) -> Value {
        self.get(&format!("/v1/checkout/sessions/{id}")).await
    }

    pub(crate) async fn payment_intent(&self, id: &str) -> Value {
        self.get(&format!("/v1/payment_intents/{id}")).await
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.base_url));
        let answer = request.bearer_auth(SECRET_KEY).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.base_url));
        let answer = request.json(&body).send().await.unwrap();
        let text = answer.error_for_status().unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// The session behind an open checkout's payment page.
pub(crate) fn session_id(checkout: &CheckoutSession) -> String {
    let (_, id) = checkout.stripe_session_url.rsplit_once('/').unwrap();
    id.to_owned()
}
