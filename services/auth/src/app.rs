use std::net::SocketAddr;
use std::sync::Arc;

use futures::FutureExt as _;
use reen_chassis::admin::{self, Dependency, Readiness, Wanted};
use reen_chassis::identity::Identity;
use reen_chassis::server::{self, ServeError};
use reen_chassis::shutdown::Shutdown;
use reen_messaging::{Broker, Outbox, Publisher};
use reen_mongo::Database;
use reen_proto::auth::v1::api_keys_server::ApiKeysServer;
use reen_proto::auth::v1::auth_server::AuthServer;
use reen_proto::auth::v1::recovery_server::RecoveryServer;
use reen_proto::auth::v1::second_factors_server::SecondFactorsServer;
use reen_proto::auth::v1::signing_keys_server::SigningKeysServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::clients::{Clerk, IdentityProvider};
use crate::config::{ClerkApi, Config};
use crate::events::EVENTS;
use crate::grpc::{ApiKeysGrpc, Grpc, KeysGrpc, RecoveryGrpc, SecondFactorsGrpc};
use crate::service::{
    AccessTokens, ApiKeys, Attempts, Ledger, Passwords, Proofs, Recovery, SecondFactors, Sessions,
    SigningKeys, Users,
};
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
    keys: Arc<SigningKeys>,
    routes: Routes,
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
    /// The keys that sign access tokens.
    #[error("there is no key that signs")]
    SigningKey(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The client for Clerk's API.
    #[error("there is no client for Clerk's API")]
    Clerk(#[from] reqwest::Error),
    /// The hashing of passwords.
    #[error("passwords cannot be hashed")]
    Passwords(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl App {
    /// Binds the listeners, opens the database and the broker, makes indexes and queues, and the signing key
    /// if it is the first.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        reen_chassis::jwt::install();
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
        let keys = SigningKeys::open(store.clone(), config.signing_keys_replaced_after).await;
        let keys = Arc::new(keys.map_err(|error| BuildError::SigningKey(Box::new(error)))?);
        Ok(Self {
            grpc,
            admin,
            routes: routes(&config, store, &keys, idempotency).await?,
            identity: config.identity,
            database,
            broker,
            publisher,
            outbox,
            keys,
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
    /// the last, and replaces the signing key in time.
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
        let answered = CancellationToken::new();
        let answering = server::serve(self.grpc, self.identity, self.routes, &shutdown)
            .inspect(|_| answered.cancel());
        let relaying = self.outbox.relay(self.publisher, answered.clone());
        let looking_after_keys = self.keys.keep_young(shutdown.closing().clone());
        let working = Box::pin(async {
            tokio::try_join!(
                shutdown.part("calls", answering),
                shutdown.part("outbox", relaying).map(Ok),
                shutdown.part("signing keys", looking_after_keys).map(Ok),
            )?;
            self.broker.close().await;
            Ok(())
        });
        admin::beside(self.admin, readiness, working).await
    }
}

/// Every gRPC service that this process answers.
async fn routes(
    config: &Config,
    store: Store,
    keys: &Arc<SigningKeys>,
    idempotency: Idempotency,
) -> Result<Routes, BuildError> {
    let passwords = Passwords::open().await;
    let passwords = passwords.map_err(|error| BuildError::Passwords(Box::new(error)))?;
    let passwords = Arc::new(passwords);
    let attempts = Attempts::new(store.clone());
    let proofs = Proofs::new(store.clone(), Arc::clone(&passwords), attempts.clone());
    let proofs = Arc::new(proofs);
    let second_factors = SecondFactors::new(
        store.clone(),
        Arc::clone(&proofs),
        config.secrets_key.clone(),
    );
    let second_factors = Arc::new(second_factors);
    let sessions = Arc::new(Sessions::new(
        store.clone(),
        Arc::clone(&passwords),
        attempts,
        proofs,
        Arc::clone(&second_factors),
        AccessTokens::new(Arc::clone(keys)),
        config.starting_balance_cents,
    ));
    let users = Users::new(
        store.clone(),
        provider(config.clerk.as_ref())?,
        config.starting_balance_cents,
    );
    let recovery = Recovery::new(store.clone(), passwords, Arc::clone(&sessions));
    let second_factors = SecondFactorsGrpc::new(second_factors, Arc::clone(&sessions));
    let api_keys = ApiKeysGrpc::new(ApiKeys::new(store.clone()));
    let ledger = Ledger::new(store);
    let auth = Grpc::new(sessions, Arc::clone(keys), users, ledger, idempotency);
    Ok(Routes::new(AuthServer::new(auth))
        .add_service(RecoveryServer::new(RecoveryGrpc::new(recovery)))
        .add_service(SecondFactorsServer::new(second_factors))
        .add_service(ApiKeysServer::new(api_keys))
        .add_service(SigningKeysServer::new(KeysGrpc::new(Arc::clone(keys)))))
}

fn provider(clerk: Option<&ClerkApi>) -> Result<Option<Arc<dyn IdentityProvider>>, BuildError> {
    let Some(ClerkApi { secret_key, base }) = clerk else {
        return Ok(None);
    };
    Ok(Some(Arc::new(Clerk::connect(secret_key, base.as_ref())?)))
}
