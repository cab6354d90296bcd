//! The roles of the binary, each reading only its own settings.

use anyhow::Context as _;
use clap::ValueEnum;
use futures::future::BoxFuture;
use reen_chassis::config::{ConfigError, Environment};
use reen_chassis::shutdown::Shutdown;
use tokio::task::JoinHandle;

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
    /// All of them in this process, each on its own port; they call each other without a connection.
    All,
}

/// In the order in which they stop: nobody loses those whom it asks.
const STAGES: [&[Role]; 3] = [
    &[Role::Gateway],
    &[Role::EventsHandler],
    &[
        Role::Auth,
        Role::Products,
        Role::CartItems,
        Role::Checkout,
        Role::Orders,
    ],
];

type Serving = BoxFuture<'static, anyhow::Result<()>>;

/// A role whose settings are complete.
pub(crate) struct App {
    role: Role,
    name: &'static str,
    serve: Box<dyn FnOnce(Shutdown) -> Serving + Send>,
}

/// Reads the settings of an app; what is left to do is to build it, and to run it until it is to stop.
macro_rules! read {
    ($role:expr, $app:ident, $environment:expr) => {{
        let config = $app::Config::read($environment)?;
        let serve = |shutdown: Shutdown| -> Serving {
            Box::pin(async move {
                let building = shutdown.part("start", Box::pin($app::App::build(config)));
                let leaving = shutdown.leaving();
                let Some(app) = leaving.run_until_cancelled(building).await else {
                    return Ok(());
                };
                let running = Box::pin(app?.run(shutdown));
                tracing::info!(role = $app::NAME, "ready");
                running.await.map_err(anyhow::Error::from)
            })
        };
        Ok(App {
            role: $role,
            name: $app::NAME,
            serve: Box::new(serve),
        })
    }};
}

impl Role {
    /// As it is typed.
    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The setting of its admin listener's port, and its default; none for all of them.
    pub(crate) fn admin_port(self) -> Option<(String, u16)> {
        let default = match self {
            Self::Gateway => 9100,
            Self::Auth => 9101,
            Self::Products => 9102,
            Self::CartItems => 9103,
            Self::Checkout => 9104,
            Self::Orders => 9105,
            Self::EventsHandler => 9106,
            Self::All => return None,
        };
        let prefix = self.name().replace('-', "_").to_uppercase();
        Some((format!("{prefix}_ADMIN_PORT"), default))
    }

    /// The app of this role, or of every role.
    ///
    /// # Errors
    /// Every setting of any of them that is missing or malformed.
    pub(crate) fn read(self, environment: &dyn Environment) -> Result<Vec<App>, ConfigError> {
        let all = STAGES.concat();
        let roles = match self {
            Self::All => &all[..],
            _ => &[self][..],
        };
        let mut apps = Vec::new();
        let mut errors = Vec::new();
        for role in roles {
            match role.read_one(environment) {
                Ok(app) => apps.push(app),
                Err(error) => errors.push(Some(error)),
            }
        }
        if errors.is_empty() {
            Ok(apps)
        } else {
            Err(ConfigError::all_of(errors))
        }
    }

    fn read_one(self, environment: &dyn Environment) -> Result<App, ConfigError> {
        match self {
            Self::Auth => read!(self, reen_auth, environment),
            Self::Products => read!(self, reen_products, environment),
            Self::CartItems => read!(self, reen_cart_items, environment),
            Self::Checkout => read!(self, reen_checkout, environment),
            Self::Orders => read!(self, reen_orders, environment),
            Self::EventsHandler => read!(self, reen_events_handler, environment),
            Self::Gateway | Self::All => read!(self, reen_gateway, environment),
        }
    }
}

/// An app that serves.
struct Running {
    role: Role,
    shutdown: Shutdown,
    serving: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    /// Starts it; however it ends, the others leave as well.
    fn start(app: App, process: &Shutdown) -> Self {
        let shutdown = process.stage(app.name);
        let serving = (app.serve)(shutdown.clone());
        let leave = process.leaving().clone().drop_guard();
        let serving = async move {
            let _when_it_ends = leave;
            let outcome = serving.await.context(app.name);
            tracing::info!(role = app.name, "role has ended");
            outcome
        };
        Self {
            role: app.role,
            shutdown,
            serving: tokio::spawn(serving),
        }
    }
}

/// Serves until `shutdown`, then has the apps stop stage by stage.
pub(crate) async fn serve(apps: Vec<App>, shutdown: &Shutdown) -> anyhow::Result<()> {
    let mut running: Vec<_> = apps
        .into_iter()
        .map(|app| Running::start(app, shutdown))
        .collect();
    shutdown.closing().cancelled().await;
    let mut outcome = Ok(());
    for stage in STAGES {
        let ending = running.extract_if(.., |it| stage.contains(&it.role));
        let ending: Vec<_> = ending.collect();
        for app in &ending {
            app.shutdown.closing().cancel();
        }
        for app in ending {
            let ended = app.serving.await.context("a role panicked");
            outcome = outcome.and(ended.and_then(|served| served));
        }
    }
    outcome
}
