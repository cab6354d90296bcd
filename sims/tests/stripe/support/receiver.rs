//! A receiver of webhooks that answers as told and keeps what it got.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use stripe_webhook::{Event, Webhook};

use super::{SIGNING_SECRET, wait_for};

#[derive(Default)]
struct Kept {
    answers: VecDeque<u16>,
    received: Vec<(String, String)>,
}

/// Listens until the test ends.
pub(crate) struct Receiver {
    pub(crate) url: String,
    kept: Arc<Mutex<Kept>>,
}

impl Receiver {
    /// Answers with `answers`, one each, then with 200.
    pub(crate) async fn start(answers: &[u16]) -> Self {
        let kept = Arc::new(Mutex::new(Kept {
            answers: answers.iter().copied().collect(),
            received: Vec::new(),
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks/stripe", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/webhooks/stripe", post(receive))
            .with_state(Arc::clone(&kept));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, kept }
    }

    /// Bodies and signatures so far.
    pub(crate) fn received(&self) -> Vec<(String, String)> {
        self.kept.lock().unwrap().received.clone()
    }

    /// Waits for `count` requests; the client checks every signature.
    pub(crate) async fn events(&self, count: usize) -> Vec<Event> {
        let received = wait_for("webhooks", || async {
            Some(self.received()).filter(|received| received.len() >= count)
        })
        .await;
        received
            .iter()
            .map(|(body, signature)| {
                Webhook::construct_event(body, signature, SIGNING_SECRET).unwrap()
            })
            .collect()
    }
}

async fn receive(
    State(kept): State<Arc<Mutex<Kept>>>,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
    let mut kept = kept.lock().unwrap();
    kept.received.push((body, signature));
    let status = kept.answers.pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}
