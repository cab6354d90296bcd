use std::net::SocketAddr;
use std::sync::Arc;

use reen_chassis::admin::{self, Readiness};
use reen_chassis::server::{self, ServeError};
use reen_messaging::{Broker, Publisher, consume};
use reen_mongo::Database;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clients::{Parties, Post, PostError, Services, Stripe};
use crate::config::Config;
use crate::events::{EVENTS, Intake, sweep};
use crate::saga::Runner;
use crate::sagas;
use crate::service::Sagas;
use crate::store::Store;

/// How many events are worked on at a time.
const PREFETCH: u16 = 32;

/// The process, bound and connected but not working yet.
pub struct App {
    admin: TcpListener,
    database: Database,
    broker: Broker,
    publisher: Publisher,
    sagas: Arc<Sagas>,
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
        let admin = server::bind(config.admin).await?;
        let services = Services::connect(&config.identity, &config.services)?;
        let payments = Arc::new(Stripe::new(&config.stripe)?);
        let mailer = Arc::new(Post::open(config.mail)?);
        let database = Database::open(&config.database_url, crate::NAME).await?;
        let store = Store::open(&database).await?;
        let broker = Broker::open(&config.broker_url, crate::NAME).await?;
        let publisher = broker.publisher(EVENTS).await?;
        let parties = Parties::new(services, payments, mailer);
        let runner = Runner::new(store.clone(), parties, sagas::all());
        let sagas = Arc::new(Sagas::new(store, runner));
        Ok(Self {
            admin,
            database,
            broker,
            publisher,
            sagas,
        })
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
        let sweeping = sweep(self.sagas, self.publisher, shutdown.clone());
        let serving = admin::serve(self.admin, readiness, shutdown);
        tokio::try_join!(
            async { consuming.await.map_err(RunError::from) },
            async { serving.await.map_err(RunError::from) },
            async {
                sweeping.await;
                Ok(())
            },
        )?;
        self.broker.close().await;
        Ok(())
    }
}
