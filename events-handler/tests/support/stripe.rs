//! The Stripe stand-in, driven over HTTP.

use reen_sims::stripe::{Config, StripeSim};
use reqwest::Client;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::session_event;

pub(crate) struct Stripe {
    pub(crate) base_url: String,
    http: Client,
    _running: DropGuard,
}

/// A session that was paid.
pub(crate) struct Paid {
    pub(crate) event_id: String,
    pub(crate) event: Value,
    pub(crate) session: Value,
}

impl Stripe {
    pub(crate) async fn start() -> Self {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let sim = StripeSim::build(Config::in_process("whsec_test"))
            .await
            .unwrap();
        let base_url = sim.base_url();
        let stop = CancellationToken::new();
        tokio::spawn(sim.run(stop.clone()));
        Self {
            base_url,
            http: Client::new(),
            _running: stop.drop_guard(),
        }
    }

    /// A session that nobody has paid yet; answers its id.
    pub(crate) async fn open_session(&self, checkout_id: &str, total_cents: i64) -> String {
        let total = total_cents.to_string();
        let form = [
            ("mode", "payment"),
            ("success_url", "http://localhost:3000/checkout?success=true"),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", "usd"),
            ("line_items[0][price_data][unit_amount]", &total),
            (
                "line_items[0][price_data][product_data][name]",
                "Everything",
            ),
            ("metadata[checkout_id]", checkout_id),
        ];
        let opened = self
            .call(
                self.http
                    .post(self.url("/v1/checkout/sessions"))
                    .form(&form),
            )
            .await;
        opened["id"].as_str().unwrap().to_owned()
    }

    /// The buyer pays; `delayed` money is on its way until [`Self::act`] says otherwise.
    pub(crate) async fn pay(&self, session_id: &str, delayed: bool) {
        let url = self.url(&format!("/sim/sessions/{session_id}/pay"));
        let payment = json!({"card": "4242424242424242", "async": delayed});
        self.call(self.http.post(url).json(&payment)).await;
    }

    /// Lets a session `expire`, or its delayed payment end: `async-fail`, `async-succeed`.
    pub(crate) async fn act(&self, session_id: &str, what: &str) {
        let url = self.url(&format!("/sim/sessions/{session_id}/{what}"));
        self.call(self.http.post(url)).await;
    }

    pub(crate) async fn paid_session(&self, checkout_id: &str, total_cents: i64) -> Paid {
        let id = self.open_session(checkout_id, total_cents).await;
        self.pay(&id, false).await;
        let session = self
            .call(
                self.http
                    .get(self.url(&format!("/v1/checkout/sessions/{id}"))),
            )
            .await;
        let event_id = format!("evt_{checkout_id}");
        let event = session_event(&event_id, "checkout.session.completed", &session);
        Paid {
            event_id,
            event,
            session,
        }
    }

    /// Somebody gives money back in the dashboard; all that is left without an amount.
    pub(crate) async fn refund_session(&self, session_id: &str, amount_cents: Option<i64>) {
        let url = self.url(&format!("/sim/sessions/{session_id}/refund"));
        let refund = amount_cents.map_or(json!({}), |cents| json!({"amount": cents}));
        self.call(self.http.post(url).json(&refund)).await;
    }

    /// The session that was paid with this payment intent.
    pub(crate) async fn session_of(&self, payment_intent: &str) -> String {
        let path = format!("/v1/checkout/sessions?payment_intent={payment_intent}");
        let listed = self.call(self.http.get(self.url(&path))).await;
        listed["data"][0]["id"].as_str().unwrap().to_owned()
    }

    /// The refunds that were made.
    pub(crate) async fn refunds(&self) -> Vec<Value> {
        let listed = self.call(self.http.get(self.url("/v1/refunds"))).await;
        listed["data"].as_array().cloned().unwrap_or_default()
    }

    /// The next calls to `path` fail after their effect.
    pub(crate) async fn lose_answers(&self, method: &str, path: &str, times: u32) {
        let fault = json!({
            "method": method, "path": path, "times": times, "status": 500, "after_effect": true,
        });
        self.suffer(&fault).await;
    }

    /// Nothing is told of any session until [`Self::recover`].
    pub(crate) async fn keep_silent(&self) {
        let path = "/v1/checkout/sessions/*";
        self.suffer(&json!({"path": path, "times": 100_000, "status": 503}))
            .await;
    }

    pub(crate) async fn recover(&self) {
        let url = self.url("/sim/faults");
        let answer = self.http.delete(url).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    async fn suffer(&self, fault: &Value) {
        let answer = self
            .http
            .post(self.url("/sim/faults"))
            .json(fault)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success());
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = request
            .bearer_auth("sk_test_events_handler")
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{status}: {body}");
        body
    }
}
