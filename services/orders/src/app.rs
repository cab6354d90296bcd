use std::net::SocketAddr;
use std::sync::Arc;

use reen_chassis::admin::{self, Readiness};
use reen_chassis::identity::Identity;
use reen_chassis::server::{self, ServeError};
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
use crate::store::{Idempotency, Store};

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
        let outbox = Outbox::open(&database).await?;
        let store = Store::open(&database, outbox.clone()).await?;
        let idempotency = Idempotency::open(&database).await?;
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

    /// Serves until `shutdown`, then lets calls in flight finish; beside that sends what they put out.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ServeError> {
        let dependencies: Vec<Arc<dyn admin::Dependency>> =
            vec![Arc::new(self.database), Arc::new(self.broker.clone())];
        let readiness = Readiness::new(dependencies, shutdown.clone());
        let relaying = self.outbox.relay(self.publisher, shutdown.clone());
        let routes = Routes::new(OrdersServer::new(Grpc::new(self.service, self.idempotency)));
        tokio::try_join!(
            server::serve(self.grpc, self.identity, routes, shutdown.clone()),
            admin::serve(self.admin, readiness, shutdown),
            async {
                relaying.await;
                Ok(())
            },
        )?;
        self.broker.close().await;
        Ok(())
    }
}
