//! The roles of the binary, each reading only its own settings.

use anyhow::Context as _;
use clap::ValueEnum;
use reen_chassis::config::ProcessEnvironment;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What a process is in the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// Identity, sessions, the ledger.
    Auth,
    /// The catalogue and its stock.
    Products,
    /// What each user means to buy.
    CartItems,
    /// From a cart to a payment page.
    Checkout,
    /// What was bought.
    Orders,
    /// Webhooks as sagas.
    EventsHandler,
    /// REST in, gRPC out.
    Gateway,
    /// All of them in this process, each on its own port.
    All,
}

const EACH: [Role; 7] = [
    Role::Auth,
    Role::Products,
    Role::CartItems,
    Role::Checkout,
    Role::Orders,
    Role::EventsHandler,
    Role::Gateway,
];

/// Reads the settings of an app, builds it and runs it until `stop`.
macro_rules! serve {
    ($app:ident, $stop:expr) => {{
        let config = $app::Config::read(&ProcessEnvironment)?;
        let app = $app::App::build(config).await?;
        tracing::info!(role = $app::NAME, "ready");
        Box::pin(app.run($stop)).await.map_err(anyhow::Error::from)
    }};
}

impl Role {
    /// Serves this role until `stop`.
    pub(crate) async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        match self {
            Self::All => serve_all(stop).await,
            one => one.serve_alone(stop).await,
        }
    }

    async fn serve_alone(self, stop: CancellationToken) -> anyhow::Result<()> {
        match self {
            Self::Auth => serve!(reen_auth, stop),
            Self::Products => serve!(reen_products, stop),
            Self::CartItems => serve!(reen_cart_items, stop),
            Self::Checkout => serve!(reen_checkout, stop),
            Self::Orders => serve!(reen_orders, stop),
            Self::EventsHandler => serve!(reen_events_handler, stop),
            Self::Gateway => serve!(reen_gateway, stop),
            Self::All => Ok(()),
        }
    }
}

/// Serves every role; when one ends, so do the others.
async fn serve_all(stop: CancellationToken) -> anyhow::Result<()> {
    let mut roles = JoinSet::new();
    for role in EACH {
        let stop = stop.clone();
        roles.spawn(async move {
            role.serve_alone(stop)
                .await
                .with_context(|| format!("{role:?}"))
        });
    }
    let mut outcome = Ok(());
    while let Some(ended) = roles.join_next().await {
        stop.cancel();
        outcome = outcome.and(ended.context("a role panicked")?);
    }
    outcome
}
