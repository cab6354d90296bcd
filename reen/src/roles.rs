//! The roles of the binary, each reading only its own settings.

use anyhow::Context as _;
use clap::ValueEnum;
use reen_chassis::config::Environment;
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
    ($app:ident, $environment:expr, $stop:expr) => {{
        let config = $app::Config::read($environment)?;
        let app = $app::App::build(config).await?;
        tracing::info!(role = $app::NAME, "ready");
        app.run($stop).await.map_err(anyhow::Error::from)
    }};
}

impl Role {
    /// Serves this role until `stop`. When one of several ends before that, so do the others.
    pub(crate) async fn serve(
        self,
        environment: &(dyn Environment + Sync),
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        match self {
            Self::Auth => serve!(reen_auth, environment, stop),
            Self::Products => serve!(reen_products, environment, stop),
            Self::CartItems => serve!(reen_cart_items, environment, stop),
            Self::Checkout => serve!(reen_checkout, environment, stop),
            Self::Orders => serve!(reen_orders, environment, stop),
            Self::EventsHandler => serve!(reen_events_handler, environment, stop),
            Self::Gateway => serve!(reen_gateway, environment, stop),
            Self::All => serve_all(stop).await,
        }
    }
}

async fn serve_all(stop: CancellationToken) -> anyhow::Result<()> {
    let mut roles = JoinSet::new();
    for role in EACH {
        let stop = stop.clone();
        roles.spawn(async move {
            let environment = reen_chassis::config::ProcessEnvironment;
            Box::pin(role.serve(&environment, stop)).await.with_context(|| format!("{role:?}"))
        });
    }
    let mut outcome = Ok(());
    while let Some(ended) = roles.join_next().await {
        stop.cancel();
        let ended = ended.context("a role panicked")?;
        outcome = outcome.and(ended);
    }
    outcome
}
