use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt as _;
use reen_chassis::admin::{self, Dependency, Readiness};
use reen_chassis::client::AddressError;
use reen_chassis::identity::Identity;
use reen_chassis::metrics::Sampling;
use reen_chassis::server::{self, ServeError};
use reen_chassis::shutdown::Shutdown;
use reen_mongo::Database;
use reen_proto::checkout::v1::checkout_server::CheckoutServer;
use tokio::net::TcpListener;
use tonic::service::Routes;

use crate::clients::stripe::Stripe;
use crate::clients::{Auth, CartItems, Parties, Products};
use crate::config::Config;
use crate::grpc::Grpc;
use crate::service::Checkouts;
use crate::store::{Idempotency, Store, schema};

/// The service, bound and connected but not serving yet.
pub struct App {
    grpc: TcpListener,
    admin: TcpListener,
    identity: Identity,
    dependencies: Vec<Arc<dyn Dependency>>,
    service: Arc<Checkouts>,
    idempotency: Idempotency,
    _told: Sampling,
}

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A listener.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// MongoDB.
    #[error("MongoDB cannot be used")]
    Database(#[from] reen_mongo::Error),
    /// The address of a peer.
    #[error("the address of a peer cannot be used")]
    Peer(#[from] AddressError),
    /// The key or the address of Stripe; neither is shown.
    #[error("STRIPE_SECRET_KEY or STRIPE_API_BASE cannot be used")]
    Stripe,
}

impl App {
    /// Binds the listeners, opens the database and makes its indexes.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let grpc = server::bind(config.listen.grpc).await?;
        let admin = server::bind(config.listen.admin).await?;
        let parties = connect(&config)?;
        let database = Database::open(&config.database_url, crate::NAME).await?;
        let migrates = config.migrate_at_start;
        let database = schema().prepare(database, migrates, &admin).await?;
        let store = Store::open(&database);
        let idempotency = Idempotency::open(&database);
        let dependencies: Vec<Arc<dyn Dependency>> = vec![
            Arc::new(database),
            Arc::new(parties.auth.peer()),
            Arc::new(parties.cart_items.peer()),
            Arc::new(parties.products.peer()),
        ];
        let service = Checkouts::new(store, parties, config.terms, config.sweeping);
        let service = Arc::new(service);
        Ok(Self {
            grpc,
            admin,
            identity: config.identity,
            dependencies,
            _told: service.told(),
            service,
            idempotency,
        })
    }

    /// Where it serves gRPC.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.grpc.local_addr()
    }

    /// Where it serves health and metrics.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn admin_address(&self) -> std::io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// Serves and sweeps until `shutdown`, then lets calls in flight finish.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(self, shutdown: impl Into<Shutdown>) -> Result<(), ServeError> {
        let shutdown = shutdown.into();
        let readiness = Readiness::new(self.dependencies, shutdown.leaving().clone());
        let grpc = Grpc::new(Arc::clone(&self.service), self.idempotency);
        let routes = Routes::new(CheckoutServer::new(grpc));
        let answering = server::serve(self.grpc, self.identity, routes, &shutdown);
        let sweeping = self.service.sweep_until(shutdown.closing());
        let working = Box::pin(async {
            tokio::try_join!(
                shutdown.part("calls", answering),
                shutdown.part("sweep", sweeping).map(Ok),
            )?;
            Ok(())
        });
        admin::beside(self.admin, readiness, working).await
    }
}

fn connect(config: &Config) -> Result<Parties, BuildError> {
    let identity = &config.identity;
    let (key, base) = (&config.stripe_secret_key, config.stripe_api_base.as_ref());
    let stripe = Stripe::connect(key, base, &config.frontend).map_err(|_| BuildError::Stripe)?;
    Ok(Parties {
        auth: Auth::connect(identity, &config.auth)?,
        cart_items: CartItems::connect(identity, &config.cart_items)?,
        products: Products::connect(identity, &config.products)?,
        payments: Arc::new(stripe),
    })
}
