use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use reen_chassis::admin::{self, Readiness};
use reen_chassis::server::{self, ServeError};
use reen_messaging::Broker;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;

use crate::config::Config;
use crate::cookies::RefreshCookie;
use crate::events::Events;
use crate::gateway::{Gateway, Shared};
use crate::limits::{self, RateLimits};
use crate::middleware::{Limits, allow_documentation_page, apply_rules, wrap};
use crate::peers::Peers;
use crate::rules::{Rules, RulesError};
use crate::tokens::AccessTokens;
use crate::{health, openapi, routes, serve};

/// The gateway, bound and connected but not serving yet.
pub struct App {
    public: TcpListener,
    admin: TcpListener,
    router: Router,
    readiness: Readiness,
    broker: Broker,
    request_timeout: Duration,
    stopping: CancellationToken,
}

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A listener.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// RabbitMQ.
    #[error("RabbitMQ cannot be used")]
    Broker(#[from] reen_messaging::Error),
    /// The address of a peer.
    #[error("the address of a peer cannot be used")]
    Peer(#[from] tonic::transport::Error),
    /// The URL of Redis.
    #[error("REDIS_SERVICE_URL cannot be used")]
    Redis(#[from] redis::RedisError),
    /// The documentation.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

impl App {
    /// Binds the listeners, connects to the broker and compiles the documentation.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(config: Config) -> Result<Self, BuildError> {
        let public = server::bind(config.listen).await?;
        let admin = server::bind(config.admin).await?;
        let peers = Peers::connect(&config.identity, &config.peers)?;
        let broker = Broker::open(&config.broker_url, crate::NAME).await?;
        let events = Events::open(&broker).await?;
        let stopping = CancellationToken::new();
        let dependencies = health::dependencies(&peers, broker.clone());
        let readiness = Readiness::new(dependencies, stopping.clone());
        let request_timeout = config.request_timeout;
        let router = router(config, peers, events, readiness.clone())?;
        Ok(Self {
            public,
            admin,
            router,
            readiness,
            broker,
            request_timeout,
            stopping,
        })
    }

    /// Where clients call.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.public.local_addr()
    }

    /// Where it serves health and metrics.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn admin_address(&self) -> std::io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// Serves until `shutdown`, then lets requests in flight finish.
    ///
    /// # Errors
    /// When the admin listener fails.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), ServeError> {
        let stopping = self.stopping;
        let mark = async {
            shutdown.cancelled().await;
            stopping.cancel();
            Ok(())
        };
        let public = async {
            serve::serve(
                self.public,
                self.router,
                self.request_timeout,
                shutdown.clone(),
            )
            .await;
            Ok(())
        };
        let admin = admin::serve(self.admin, self.readiness, shutdown.clone());
        tokio::try_join!(mark, public, admin)?;
        self.broker.close().await;
        Ok(())
    }
}

fn router(
    config: Config,
    peers: Peers,
    events: Events,
    readiness: Readiness,
) -> Result<Router, BuildError> {
    let (api, document) = routes::all().split_for_parts();
    let document = openapi::complete(document);
    let limits = Limits {
        request_timeout: config.request_timeout,
        body_limit: config.body_limit,
    };
    let origins = config.origins.clone();
    let shared = config.redis_url.as_ref().map(limits::Shared::at);
    let shared = shared.transpose()?;
    let gateway: Shared = Arc::new(Gateway {
        access_tokens: AccessTokens::new(peers.clone(), config.clerk),
        peers,
        events,
        rules: read_rules(&document)?,
        limits: RateLimits::new(config.limits, shared),
        proxies: config.proxies,
        readiness,
        origins: config.origins,
        refresh_cookie: RefreshCookie {
            secure: config.secure_cookies,
        },
        stripe_webhook_secret: config.stripe_webhook_secret,
        clerk_webhook_secret: config.clerk_webhook_secret,
    });
    let api = api
        .route_layer(from_fn_with_state(gateway.clone(), apply_rules))
        .with_state(gateway);
    let documentation = openapi::routes(document).layer(map_response(allow_documentation_page));
    let all = api
        .merge(documentation)
        .fallback(routes::no_route)
        .method_not_allowed_fallback(routes::no_method);
    Ok(wrap(all, &limits, &origins))
}

fn read_rules(document: &OpenApi) -> Result<Rules, RulesError> {
    let document = serde_json::to_value(document).map_err(RulesError::from)?;
    Rules::read(&document)
}
