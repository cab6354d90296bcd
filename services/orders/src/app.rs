use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt as _;
use reen_chassis::admin::{self, Dependency, Readiness, Wanted};
use reen_chassis::identity::Identity;
use reen_chassis::server::{self, ServeError};
use reen_chassis::shutdown::Shutdown;
use reen_messaging::{Broker, Outbox, Publisher};
use reen_mongo::Database;
use reen_proto::orders::v1::orders_server::OrdersServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::config::Config;
use crate::events::EVENTS;
use crate::grpc::Grpc;
use crate::service::Orders;
use crate::store::{Idempotency, Store, schema};

/// The service, bound and connected but not serving yet.
pub struct App {
    grpc: TcpListener,
    admin: TcpListener,
    identity: Identity,
    database: Database,
    broker: Broker,
    publisher: Publisher,
    outbox: Outbox,
    service: Arc<Orders>,
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
    /// RabbitMQ.
    #[error("RabbitMQ cannot be used")]
    Broker(#[from] reen_messaging::Error),
}

impl App {
    /// Binds the listeners, opens the database and the broker, makes indexes and queues.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let grpc = server::bind(config.listen.grpc).await?;
        let admin = server::bind(config.listen.admin).await?;
        let database = Database::open(&config.database_url, crate::NAME).await?;
        let migrates = config.migrate_at_start;
        let database = schema().prepare(database, migrates, &admin).await?;
        let outbox = Outbox::open(&database);
        let store = Store::open(&database, outbox.clone());
        let idempotency = Idempotency::open(&database);
        let broker = Broker::open(&config.broker_url, crate::NAME).await?;
        let publisher = broker.publisher(EVENTS).await?;
        let service = Arc::new(Orders::new(store));
        Ok(Self {
            grpc,
            admin,
            identity: config.identity,
            database,
            broker,
            publisher,
            outbox,
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

    /// Serves until `shutdown`, then lets calls in flight finish; beside that sends what they put out, up to
    /// the last.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(self, shutdown: impl Into<Shutdown>) -> Result<(), ServeError> {
        let shutdown = shutdown.into();
        // What is put out while the broker is away waits.
        let broker = Wanted(self.broker.clone());
        let dependencies: Vec<Arc<dyn Dependency>> =
            vec![Arc::new(self.database), Arc::new(broker)];
        let readiness = Readiness::new(dependencies, shutdown.leaving().clone());
        let routes = Routes::new(OrdersServer::new(Grpc::new(self.service, self.idempotency)));
        let answered = CancellationToken::new();
        let answering = server::serve(self.grpc, self.identity, routes, &shutdown)
            .inspect(|_| answered.cancel());
        let relaying = self.outbox.relay(self.publisher, answered.clone());
        let working = Box::pin(async {
            tokio::try_join!(
                shutdown.part("calls", answering),
                shutdown.part("outbox", relaying).map(Ok),
            )?;
            self.broker.close().await;
            Ok(())
        });
        admin::beside(self.admin, readiness, working).await
    }
}
