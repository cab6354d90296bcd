//! Start, routes, background tasks, stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::Request;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::{Config, RetrySchedule};
use super::errors::ApiError;
use super::faults::Faults;
use super::state::State;
use super::webhooks::Courier;
use super::{control, delivery, gate, intents, page, refunds, service, sessions};
use crate::reachable;
use crate::settings::HttpUrl;

/// How long calls in progress may take once the stand-in is told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Sim {
    pub(crate) base_url: String,
    pub(crate) minimum_session_life: Duration,
    pub(crate) retry: RetrySchedule,
    pub(crate) state: State,
    pub(crate) faults: Faults,
    pub(crate) courier: Courier,
}

/// The stand-in, bound to its port and ready to run.
#[derive(Debug)]
pub struct StripeSim {
    listener: TcpListener,
    address: SocketAddr,
    sim: Arc<Sim>,
    outbox: UnboundedReceiver<String>,
}

/// Steers a stand-in in the same process, before and while it runs.
#[derive(Debug, Clone)]
pub struct Handle {
    sim: Arc<Sim>,
}

impl Handle {
    /// Sends events there from now on, those included that waited for a
    /// receiver or are being retried.
    ///
    /// # Errors
    /// `url` is not an http URL.
    pub fn set_webhook_url(&self, url: &str) -> Result<()> {
        let HttpUrl(parsed) = url
            .parse()
            .with_context(|| format!("the webhook URL {url}"))?;
        self.sim.courier.set_receiver(parsed);
        Ok(())
    }
}

impl StripeSim {
    /// Binds the port, then replays the state file if there is one.
    ///
    /// # Errors
    /// The port is taken, or the state file cannot be read or written.
    pub async fn build(config: Config) -> Result<Self> {
        let listener = TcpListener::bind((config.host.as_str(), config.port))
            .await
            .with_context(|| format!("listening on {}:{}", config.host, config.port))?;
        let address = listener.local_addr().context("the bound address")?;
        let (sender, outbox) = mpsc::unbounded_channel();
        let sim = Sim {
            base_url: format!("http://{}", reachable(address)),
            minimum_session_life: config.minimum_session_life,
            retry: config.retry,
            state: State::open(config.state_file.as_deref(), sender)?,
            faults: Faults::default(),
            courier: Courier::new(&config.signing_secret, config.webhook_url)?,
        };
        Ok(Self {
            listener,
            address,
            sim: Arc::new(sim),
            outbox,
        })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The API base for a client, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.sim.base_url.clone()
    }

    /// For steering it after it was moved into a task.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle {
            sim: Arc::clone(&self.sim),
        }
    }

    /// Serves until `shutdown`; calls in progress get two seconds. Events that
    /// were not delivered by then stay in the state file, if there is one.
    ///
    /// # Errors
    /// The listener fails.
    pub async fn run(self, shutdown: CancellationToken) -> Result<()> {
        let tasks = TaskTracker::new();
        tasks.spawn(service::expire_sessions(
            Arc::clone(&self.sim),
            shutdown.clone(),
        ));
        tasks.spawn(delivery::deliver_events(
            Arc::clone(&self.sim),
            self.outbox,
            tasks.clone(),
            shutdown.clone(),
        ));
        // Answers are small: without this each would wait for the caller's
        // delayed acknowledgement.
        let listener = self.listener.tap_io(|stream| {
            stream.set_nodelay(true).ok();
        });
        let server = axum::serve(listener, router(self.sim))
            .with_graceful_shutdown(shutdown.clone().cancelled_owned())
            .into_future();
        let out_of_grace = async {
            shutdown.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            served = server => served.context("serving")?,
            () = out_of_grace => {}
        }
        tasks.close();
        tokio::time::timeout(GRACE, tasks.wait()).await.ok();
        Ok(())
    }
}

fn router(sim: Arc<Sim>) -> Router {
    Router::new()
        .merge(api(&sim))
        .merge(control_routes())
        .route("/c/pay/{id}", get(page::show_page).post(page::submit_page))
        .route("/health/ready", get(ready))
        .with_state(sim)
}

fn api(sim: &Arc<Sim>) -> Router<Arc<Sim>> {
    Router::new()
        .route(
            "/v1/checkout/sessions",
            post(sessions::create_session).get(sessions::list_sessions),
        )
        .route(
            "/v1/checkout/sessions/{id}",
            get(sessions::retrieve_session),
        )
        .route(
            "/v1/checkout/sessions/{id}/expire",
            post(sessions::expire_session),
        )
        .route(
            "/v1/payment_intents/{id}",
            get(intents::retrieve_payment_intent),
        )
        .route(
            "/v1/refunds",
            post(refunds::create_refund).get(refunds::list_refunds),
        )
        .route("/v1/refunds/{id}", get(refunds::retrieve_refund))
        .route("/v1/", any(unrecognized))
        .route("/v1/{*rest}", any(unrecognized))
        .method_not_allowed_fallback(unrecognized)
        .layer(from_fn_with_state(Arc::clone(sim), gate::gate))
}

fn control_routes() -> Router<Arc<Sim>> {
    Router::new()
        .route("/sim/sessions/{id}/pay", post(control::pay_session))
        .route("/sim/sessions/{id}/expire", post(control::expire_session))
        .route("/sim/sessions/{id}/refund", post(control::refund_session))
        .route(
            "/sim/sessions/{id}/async-succeed",
            post(control::succeed_async_payment),
        )
        .route(
            "/sim/sessions/{id}/async-fail",
            post(control::fail_async_payment),
        )
        .route("/sim/events", get(control::list_events))
        .route("/sim/events/{id}/resend", post(control::resend_event))
        .route("/sim/refunds", get(control::list_refunds))
        .route(
            "/sim/faults",
            post(control::add_fault).delete(control::clear_faults),
        )
}

/// `GET /health/ready`: it is, as soon as it listens.
async fn ready() -> Json<Value> {
    Json(json!({ "status": "ready" }))
}

async fn unrecognized(request: Request) -> ApiError {
    ApiError::unrecognized_url(request.method().as_str(), request.uri().path())
}
