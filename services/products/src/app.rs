use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt as _;
use reen_chassis::admin::{self, Dependency, Readiness, Wanted};
use reen_chassis::client::AddressError;
use reen_chassis::identity::Identity;
use reen_chassis::metrics::Sampling;
use reen_chassis::server::{self, ServeError};
use reen_chassis::shutdown::Shutdown;
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
use crate::store::{Idempotency, Store, schema};

/// The service, bound and connected but not serving yet.
pub struct App {
    grpc: TcpListener,
    admin: TcpListener,
    identity: Identity,
    dependencies: Vec<Arc<dyn Dependency>>,
    broker: Broker,
    changes: Arc<Changes>,
    service: Arc<Products>,
    idempotency: Idempotency,
    sweeper: Sweeper,
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
    /// The URL of RabbitMQ.
    #[error("MESSAGE_BROKER_URL cannot be used")]
    Broker(#[from] reen_messaging::Error),
    /// The address of a peer.
    #[error("the address of a peer cannot be used")]
    Peer(#[from] AddressError),
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
        let migrates = config.migrate_at_start;
        let database = schema().prepare(database, migrates, &admin).await?;
        let store = Store::open(&database);
        let idempotency = Idempotency::open(&database);
        let auth = Auth::connect(&config.identity, &config.auth)?;
        let cart_items = CartItems::connect(&config.identity, &config.cart_items)?;
        let broker = Broker::start(&config.broker_url, crate::NAME)?;
        let dependencies: Vec<Arc<dyn Dependency>> = vec![
            Arc::new(database),
            Arc::new(Wanted(broker.clone())),
            Arc::new(auth.peer()),
            Arc::new(cart_items.peer()),
        ];
        let changes = Arc::new(Changes::default());
        let service = Products::new(store, auth, cart_items, Arc::clone(&changes));
        let service = Arc::new(service);
        let sweeper = Sweeper::new(Arc::clone(&service), config.sweep_every, config.sweep_after);
        let told = service.told();
        Ok(Self {
            grpc,
            admin,
            identity: config.identity,
            dependencies,
            broker,
            changes,
            service,
            idempotency,
            sweeper,
            _told: told,
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
        let routes = Routes::new(ProductsServer::new(Grpc::new(
            self.service,
            self.idempotency,
        )));
        // Calls in flight change products as well: these are announced before the end.
        let answered = CancellationToken::new();
        let answering = server::serve(self.grpc, self.identity, routes, &shutdown)
            .inspect(|_| answered.cancel());
        let announcer = self.broker.announcer(TOPIC);
        let announcing = self.changes.announce(&announcer, &answered);
        let sweeping = self.sweeper.run(shutdown.closing());
        let working = Box::pin(async {
            tokio::try_join!(
                shutdown.part("calls", answering),
                shutdown.part("announcements", announcing).map(Ok),
                shutdown.part("sweep", sweeping).map(Ok),
            )?;
            self.broker.close().await;
            Ok(())
        });
        admin::beside(self.admin, readiness, working).await
    }
}
