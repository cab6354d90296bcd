use std::net::SocketAddr;
use std::sync::Arc;

use reen_chassis::admin::{self, Readiness};
use reen_chassis::identity::Identity;
use reen_chassis::server::{self, ServeError};
use reen_mongo::Database;
use reen_proto::cart_items::v1::cart_items_server::CartItemsServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::clients::Products;
use crate::config::Config;
use crate::grpc::Grpc;
use crate::service::CartItems;
use crate::store::{Idempotency, Store};

/// The service, bound and connected but not serving yet.
pub struct App {
    grpc: TcpListener,
    admin: TcpListener,
    identity: Identity,
    database: Database,
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
    Peer(#[from] tonic::transport::Error),
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
        let store = Store::open(&database).await?;
        let idempotency = Idempotency::open(&database).await?;
        let products = Products::connect(&config.identity, &config.products)?;
        let service = Arc::new(CartItems::new(store, products));
        Ok(Self {
            grpc,
            admin,
            identity: config.identity,
            database,
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
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ServeError> {
        let readiness = Readiness::new(vec![Arc::new(self.database)], shutdown.clone());
        let routes = Routes::new(CartItemsServer::new(Grpc::new(
            self.service,
            self.idempotency,
        )));
        tokio::try_join!(
            server::serve(self.grpc, self.identity, routes, shutdown.clone()),
            admin::serve(self.admin, readiness, shutdown),
        )?;
        Ok(())
    }
}
