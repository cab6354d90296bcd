use std::net::SocketAddr;
use std::sync::Arc;

use reen_chassis::admin::{self, Readiness};
use reen_chassis::identity::Identity;
use reen_chassis::server::{self, ServeError};
use reen_messaging::{Broker, DeadLetters, Outbox, Publisher, consume};
use reen_mongo::Database;
use reen_proto::sagas::v1::sagas_server::SagasServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::clients::{Parties, Post, PostError, Services, Stripe};
use crate::config::Config;
use crate::events::{EVENTS, Intake, sweep};
use crate::grpc::Grpc;
use crate::saga::Runner;
use crate::sagas;
use crate::service::{Operators, Reconciler, Sagas};
use crate::store::{Idempotency, Store};

/// How many events are worked on at a time.
const PREFETCH: u16 = 32;

/// The process, bound and connected but not working yet.
pub struct App {
    grpc: TcpListener,
    admin: TcpListener,
    identity: Identity,
    database: Database,
    broker: Broker,
    publisher: Publisher,
    sagas: Arc<Sagas>,
    reconciler: Arc<Reconciler>,
    operators: Arc<Operators>,
    outbox: Outbox,
    idempotency: Idempotency,
}

/// Why the process did not start.
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
    /// The address of a peer.
    #[error("the address of a peer cannot be used")]
    Peer(#[from] tonic::transport::Error),
    /// Stripe.
    #[error("Stripe's settings cannot be used")]
    Stripe(#[from] stripe::StripeError),
    /// The post.
    #[error(transparent)]
    Post(#[from] PostError),
}

/// Why the process stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The admin listener.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// RabbitMQ.
    #[error("RabbitMQ cannot be used")]
    Broker(#[from] reen_messaging::Error),
}

impl App {
    /// Binds the admin listener, opens the database and the broker, makes indexes and queues.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let grpc = server::bind(config.listen.grpc).await?;
        let admin = server::bind(config.listen.admin).await?;
        let services = Services::connect(&config.identity, &config.services)?;
        let payments = Arc::new(Stripe::new(&config.stripe)?);
        let mailer = Arc::new(Post::open(config.mail)?);
        let database = Database::open(&config.database_url, crate::NAME).await?;
        let store = Store::open(&database).await?;
        let idempotency = Idempotency::open(&database).await?;
        let broker = Broker::open(&config.broker_url, crate::NAME).await?;
        let publisher = broker.publisher(EVENTS).await?;
        let parties = Parties::new(services, payments, mailer, config.storefront);
        let runner = Arc::new(Runner::new(store.clone(), parties, sagas::all()));
        let outbox = store.outbox();
        let dead = DeadLetters::of(&broker, EVENTS).await?;
        let operators = Operators::new(store.clone(), Arc::clone(&runner), dead);
        let sagas = Arc::new(Sagas::new(store, runner));
        let reconciler = Reconciler::new(Arc::clone(&sagas), config.reconciling);
        Ok(Self {
            grpc,
            admin,
            identity: config.identity,
            database,
            broker,
            publisher,
            sagas,
            reconciler: Arc::new(reconciler),
            operators: Arc::new(operators),
            outbox,
            idempotency,
        })
    }

    /// Where it serves operators, by gRPC.
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

    /// Works until `shutdown`, then lets what is in work finish.
    ///
    /// # Errors
    /// When the admin listener fails, or the broker cannot be used at the start.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), RunError> {
        let dependencies: Vec<Arc<dyn admin::Dependency>> =
            vec![Arc::new(self.database), Arc::new(self.broker.clone())];
        let readiness = Readiness::new(dependencies, shutdown.clone());
        let intake = Arc::new(Intake::new(Arc::clone(&self.sagas)));
        let consuming = consume(
            self.broker.clone(),
            EVENTS,
            PREFETCH,
            intake,
            shutdown.clone(),
        );
        let sweeping = sweep(self.sagas, self.publisher.clone(), shutdown.clone());
        let relaying = self.outbox.relay(self.publisher, shutdown.clone());
        let routes = Routes::new(SagasServer::new(Grpc::new(
            self.operators,
            Arc::clone(&self.reconciler),
            self.idempotency,
        )));
        let answering = server::serve(self.grpc, self.identity, routes, shutdown.clone());
        let reconciling = self.reconciler.reconcile_until(shutdown.clone());
        let serving = admin::serve(self.admin, readiness, shutdown);
        tokio::try_join!(
            async { consuming.await.map_err(RunError::from) },
            async { serving.await.map_err(RunError::from) },
            async { answering.await.map_err(RunError::from) },
            async {
                tokio::join!(sweeping, relaying, reconciling);
                Ok(())
            },
        )?;
        self.broker.close().await;
        Ok(())
    }
}
