use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt as _;
use reen_chassis::admin::{self, Readiness};
use reen_chassis::identity::Identity;
use reen_chassis::server::{self, ServeError};
use reen_messaging::Broker;
use reen_mongo::Database;
use reen_proto::products::v1::products_server::ProductsServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::clients::{Auth, CartItems};
use crate::config::Config;
use crate::events::{Changes, TOPIC};
use crate::grpc::Grpc;
use crate::service::{Products, Sweeper};
use crate::store::{Idempotency, Store};

/// The service, bound and connected but not serving yet.
pub struct App {
    grpc: TcpListener,
    admin: TcpListener,
    identity: Identity,
    database: Database,
    broker: Broker,
    changes: Arc<Changes>,
    service: Arc<Products>,
    idempotency: Idempotency,
    sweeper: Sweeper,
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
    /// The URL of RabbitMQ.
    #[error("MESSAGE_BROKER_URL cannot be used")]
    Broker(#[from] reen_messaging::Error),
    /// The address of a peer.
    #[error("the address of a peer cannot be used")]
    Peer(#[from] tonic::transport::Error),
}

impl App {
    /// Binds the listeners, opens the database and makes its validator and indexes.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let grpc = server::bind(config.listen.grpc).await?;
        let admin = server::bind(config.listen.admin).await?;
        let database = Database::open(&config.database_url, crate::NAME).await?;
        let store = Store::open(&database).await?;
        let idempotency = Idempotency::open(&database).await?;
        let auth = Auth::connect(&config.identity, &config.auth)?;
        let cart_items = CartItems::connect(&config.identity, &config.cart_items)?;
        let broker = Broker::start(&config.broker_url, crate::NAME)?;
        let changes = Arc::new(Changes::default());
        let service = Products::new(store, auth, cart_items, Arc::clone(&changes));
        let service = Arc::new(service);
        let sweeper = Sweeper::new(Arc::clone(&service), config.sweep_every, config.sweep_after);
        Ok(Self {
            grpc,
            admin,
            identity: config.identity,
            database,
            broker,
            changes,
            service,
            idempotency,
            sweeper,
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
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ServeError> {
        let readiness = Readiness::new(vec![Arc::new(self.database)], shutdown.clone());
        let routes = Routes::new(ProductsServer::new(Grpc::new(
            self.service,
            self.idempotency,
        )));
        let sweeping = async {
            self.sweeper.run(shutdown.clone()).await;
            Ok(())
        };
        let serving = async {
            tokio::try_join!(
                server::serve(self.grpc, self.identity, routes, shutdown.clone()),
                admin::serve(self.admin, readiness, shutdown.clone()),
                sweeping,
            )
        };
        // Calls in flight change products as well: these are announced before the end.
        let ending = CancellationToken::new();
        let announcer = self.broker.announcer(TOPIC);
        let announcing = self.changes.announce(&announcer, &ending);
        let (served, ()) = tokio::join!(serving.inspect(|_| ending.cancel()), announcing);
        self.broker.close().await;
        served?;
        Ok(())
    }
}
