use std::net::SocketAddr;
use std::sync::Arc;

use futures::{FutureExt as _, TryFutureExt as _};
use reen_chassis::admin::{self, Dependency, Readiness};
use reen_chassis::client::AddressError;
use reen_chassis::identity::Identity;
use reen_chassis::metrics::Sampling;
use reen_chassis::server::{self, ServeError};
use reen_chassis::shutdown::Shutdown;
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
use crate::store::{Idempotency, Store, schema};

/// How many events are worked on at a time.
const PREFETCH: u16 = 32;

/// The process, bound and connected but not working yet.
pub struct App {
    grpc: TcpListener,
    admin: TcpListener,
    identity: Identity,
    dependencies: Vec<Arc<dyn Dependency>>,
    broker: Broker,
    publisher: Publisher,
    sagas: Arc<Sagas>,
    reconciler: Arc<Reconciler>,
    operators: Arc<Operators>,
    outbox: Outbox,
    idempotency: Idempotency,
    _told: [Sampling; 2],
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
    Peer(#[from] AddressError),
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
        let migrates = config.migrate_at_start;
        let database = schema().prepare(database, migrates, &admin).await?;
        let store = Store::open(&database);
        let idempotency = Idempotency::open(&database);
        let broker = Broker::open(&config.broker_url, crate::NAME).await?;
        let publisher = broker.publisher(EVENTS).await?;
        let mut dependencies: Vec<Arc<dyn Dependency>> =
            vec![Arc::new(database), Arc::new(broker.clone())];
        dependencies.extend(services.peers());
        let parties = Parties::new(services, payments, mailer, config.storefront);
        let runner = Arc::new(Runner::new(store.clone(), parties, sagas::all()));
        let outbox = store.outbox();
        let dead = DeadLetters::of(&broker, EVENTS).await?;
        let operators = Operators::new(store.clone(), Arc::clone(&runner), dead);
        let sagas = Arc::new(Sagas::new(store, runner));
        let reconciler = Reconciler::new(Arc::clone(&sagas), config.reconciling);
        let told = [sagas.told(), broker.sample(EVENTS)];
        Ok(Self {
            grpc,
            admin,
            identity: config.identity,
            dependencies,
            broker,
            publisher,
            sagas,
            reconciler: Arc::new(reconciler),
            operators: Arc::new(operators),
            outbox,
            idempotency,
            _told: told,
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
    pub async fn run(self, shutdown: impl Into<Shutdown>) -> Result<(), RunError> {
        let shutdown = shutdown.into();
        let readiness = Readiness::new(self.dependencies, shutdown.leaving().clone());
        let closing = shutdown.closing();
        let intake = Arc::new(Intake::new(Arc::clone(&self.sagas)));
        let broker = self.broker.clone();
        let consuming = consume(broker, EVENTS, PREFETCH, intake, closing.clone());
        let sweeping = sweep(self.sagas, self.publisher.clone(), closing.clone());
        let routes = Routes::new(SagasServer::new(Grpc::new(
            self.operators,
            Arc::clone(&self.reconciler),
            self.idempotency,
        )));
        // What operators ask for goes out with its change: also the last.
        let answered = CancellationToken::new();
        let answering = server::serve(self.grpc, self.identity, routes, &shutdown)
            .inspect(|_| answered.cancel());
        let relaying = self.outbox.relay(self.publisher, answered.clone());
        let reconciling = self.reconciler.reconcile_until(closing.clone());
        let working = Box::pin(async {
            tokio::try_join!(
                shutdown.part("messages", consuming).map_err(RunError::from),
                shutdown.part("calls", answering).map_err(RunError::from),
                shutdown.part("outbox", relaying).map(Ok),
                shutdown.part("sweep", sweeping).map(Ok),
                shutdown.part("reconciling", reconciling).map(Ok),
            )?;
            self.broker.close().await;
            Ok(())
        });
        admin::beside(self.admin, readiness, working).await
    }
}
