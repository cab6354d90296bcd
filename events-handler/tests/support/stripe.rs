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

    pub(crate) async fn paid_session(&self, checkout_id: &str, total_cents: i64) -> Paid {
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
        let id = opened["id"].as_str().unwrap();
        let card = json!({"card": "4242424242424242"});
        let pay = self
            .http
            .post(self.url(&format!("/sim/sessions/{id}/pay")))
            .json(&card);
        self.call(pay).await;
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

    /// The refunds that were made.
    pub(crate) async fn refunds(&self) -> Vec<Value> {
        let listed = self.call(self.http.get(self.url("/v1/refunds"))).await;
        listed["data"].as_array().cloned().unwrap_or_default()
    }

    /// The next calls to `path` fail after their effect.
    pub(crate) async fn fail_after_effect(&self, path: &str, times: u32) {
        let fault = json!({"path": path, "times": times, "status": 500, "after_effect": true});
        let answer = self
            .http
            .post(self.url("/sim/faults"))
            .json(&fault)
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
