use std::net::SocketAddr;
use std::sync::Arc;

use reen_chassis::admin::{self, Readiness};
use reen_chassis::identity::Identity;
use reen_chassis::server::{self, ServeError};
use reen_mongo::Database;
use reen_proto::checkout::v1::checkout_server::CheckoutServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::clients::stripe::Stripe;
use crate::clients::{Auth, CartItems, Parties, Products};
use crate::config::Config;
use crate::grpc::Grpc;
use crate::service::Checkouts;
use crate::store::{Idempotency, Store};

/// The service, bound and connected but not serving yet.
pub struct App {
    grpc: TcpListener,
    admin: TcpListener,
    identity: Identity,
    database: Database,
    service: Arc<Checkouts>,
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
        let store = Store::open(&database).await?;
        let idempotency = Idempotency::open(&database).await?;
        let service = Checkouts::new(store, parties, config.terms, config.sweeping);
        Ok(Self {
            grpc,
            admin,
            identity: config.identity,
            database,
            service: Arc::new(service),
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
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ServeError> {
        let readiness = Readiness::new(vec![Arc::new(self.database)], shutdown.clone());
        let grpc = Grpc::new(Arc::clone(&self.service), self.idempotency);
        let routes = Routes::new(CheckoutServer::new(grpc));
        let sweeping = async {
            self.service.sweep_until(shutdown.clone()).await;
            Ok(())
        };
        tokio::try_join!(
            server::serve(self.grpc, self.identity, routes, shutdown.clone()),
            admin::serve(self.admin, readiness, shutdown.clone()),
            sweeping,
        )?;
        Ok(())
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
