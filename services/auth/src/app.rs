use std::net::SocketAddr;
use std::sync::Arc;

use reen_chassis::admin::{self, Readiness};
use reen_chassis::identity::Identity;
use reen_chassis::server::{self, ServeError};
use reen_mongo::Database;
use reen_proto::auth::v1::auth_server::AuthServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::clients::{Clerk, IdentityProvider};
use crate::config::{ClerkApi, Config};
use crate::domain::SigningKey;
use crate::grpc::Grpc;
use crate::service::{AccessTokens, Ledger, Passwords, Sessions, Users};
use crate::store::Store;

/// The service, bound and connected but not serving yet.
pub struct App {
    grpc: TcpListener,
    admin: TcpListener,
    identity: Identity,
    database: Database,
    service: Grpc,
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
    /// The key that signs access tokens.
    #[error("no signing key can be made")]
    SigningKey,
    /// The client for Clerk's API.
    #[error("there is no client for Clerk's API")]
    Clerk(#[from] reqwest::Error),
    /// The hashing of passwords.
    #[error("passwords cannot be hashed")]
    Passwords(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl App {
    /// Binds the listeners, opens the database, makes its indexes, and the signing key if it is the first.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        reen_chassis::jwt::install();
        let grpc = server::bind(config.listen.grpc).await?;
        let admin = server::bind(config.listen.admin).await?;
        let database = Database::open(&config.database_url, crate::NAME).await?;
        let store = Store::open(&database).await?;
        let sessions = sessions(&store, config.starting_balance_cents).await?;
        let (users, ledger) = (
            Users::new(
                store.clone(),
                provider(config.clerk.as_ref())?,
                config.starting_balance_cents,
            ),
            Ledger::new(store),
        );
        Ok(Self {
            grpc,
            admin,
            identity: config.identity,
            database,
            service: Grpc::new(sessions, users, ledger),
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
        let routes = Routes::new(AuthServer::new(self.service));
        tokio::try_join!(
            server::serve(self.grpc, self.identity, routes, shutdown.clone()),
            admin::serve(self.admin, readiness, shutdown),
        )?;
        Ok(())
    }
}

fn provider(clerk: Option<&ClerkApi>) -> Result<Option<Arc<dyn IdentityProvider>>, BuildError> {
    let Some(ClerkApi { secret_key, base }) = clerk else {
        return Ok(None);
    };
    Ok(Some(Arc::new(Clerk::connect(secret_key, base.as_ref())?)))
}

async fn sessions(store: &Store, starting_balance_cents: i64) -> Result<Sessions, BuildError> {
    let candidate = SigningKey::generate().map_err(|_| BuildError::SigningKey)?;
    let access_tokens = AccessTokens::new(&store.signing_key(&candidate).await?);
    let passwords = Passwords::open()
        .await
        .map_err(|error| BuildError::Passwords(Box::new(error)))?;
    Ok(Sessions::new(
        store.clone(),
        passwords,
        access_tokens,
        starting_balance_cents,
    ))
}
