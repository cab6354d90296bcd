use std::net::SocketAddr;
use std::sync::Arc;

use reen_chassis::admin::{self, Dependency, Readiness};
use reen_chassis::client::AddressError;
use reen_chassis::identity::Identity;
use reen_chassis::server::{self, ServeError};
use reen_chassis::shutdown::Shutdown;
use reen_mongo::Database;
use reen_proto::cart_items::v1::cart_items_server::CartItemsServer;
use tokio::net::TcpListener;
use tonic::service::Routes;

use crate::clients::Products;
use crate::config::Config;
use crate::grpc::Grpc;
use crate::service::CartItems;
use crate::store::{Idempotency, Store, schema};

/// The service, bound and connected but not serving yet.
pub struct App {
    grpc: TcpListener,
    admin: TcpListener,
    identity: Identity,
    dependencies: Vec<Arc<dyn Dependency>>,
    service: Arc<CartItems>,
    idempotency: Idempotency,
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
}

impl App {
    /// Binds the listeners, opens the database and makes its indexes.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let grpc = server::bind(config.listen.grpc).await?;
        let admin = server::bind(config.listen.admin).await?;
        let database = Database::open(&config.database_url, crate::NAME).await?;
        let migrates = config.migrate_at_start;
        let database = schema().prepare(database, migrates, &admin).await?;
        let store = Store::open(&database);
        let idempotency = Idempotency::open(&database);
        let products = Products::connect(&config.identity, &config.products)?;
        let dependencies: Vec<Arc<dyn Dependency>> =
            vec![Arc::new(database), Arc::new(products.peer())];
        let service = Arc::new(CartItems::new(store, products));
        Ok(Self {
            grpc,
            admin,
            identity: config.identity,
            dependencies,
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

    /// Serves until `shutdown`, then lets calls in flight finish.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(self, shutdown: impl Into<Shutdown>) -> Result<(), ServeError> {
        let shutdown = shutdown.into();
        let readiness = Readiness::new(self.dependencies, shutdown.leaving().clone());
        let routes = Routes::new(CartItemsServer::new(Grpc::new(
            self.service,
            self.idempotency,
        )));
        let answering = server::serve(self.grpc, self.identity, routes, &shutdown);
        let working = Box::pin(shutdown.part("calls", answering));
        admin::beside(self.admin, readiness, working).await
    }
}
