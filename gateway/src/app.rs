use std::net::SocketAddr;
use std::sync::Arc;

use axum::middleware::{from_fn, from_fn_with_state, map_response};
use reen_chassis::admin::{self, Readiness};
use reen_chassis::client::AddressError;
use reen_chassis::server::{self, ServeError};
use reen_chassis::shutdown::Shutdown;
use reen_messaging::Broker;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;
use tower::util::MapRequest;

use crate::cache::{self, Cache};
use crate::config::Config;
use crate::cookies::RefreshCookie;
use crate::events::Events;
use crate::gateway::{Gateway, Shared};
use crate::joins::Reads;
use crate::limits::{self, RateLimits};
use crate::middleware::{
    Limits, allow_documentation_page, apply_rules, carry_key, keep_manners, wrap,
};
use crate::openapi::Documents;
use crate::peers::Peers;
use crate::redis::Line;
use crate::rules::{RuleBook, RulesError};
use crate::serve::Bounds;
use crate::tokens::{AccessTokens, ApiKeys};
use crate::{health, openapi, routes, serve, version};

/// The gateway, bound and connected but not serving yet.
pub struct App {
    public: TcpListener,
    admin: TcpListener,
    service: serve::Service,
    readiness: Readiness,
    broker: Broker,
    cache: Arc<Cache>,
    bounds: Bounds,
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
    Peer(#[from] AddressError),
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
        let bounds = Bounds {
            connections: config.connections.get(),
            patience: config.request_timeout,
        };
        let redis = config.redis_url.as_ref().map(Line::to).transpose()?;
        let cache = Arc::new(Cache::new(config.cache_bytes, redis.clone()));
        let limits = RateLimits::new(config.limits, redis.map(limits::Shared::on));
        let stores = Stores {
            events,
            limits,
            cache: cache.clone(),
        };
        let service = service(config, peers, stores, readiness.clone())?;
        Ok(Self {
            public,
            admin,
            service,
            readiness,
            broker,
            cache,
            bounds,
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
    pub async fn run(self, shutdown: impl Into<Shutdown>) -> Result<(), ServeError> {
        let shutdown = shutdown.into();
        let stopping = self.stopping;
        let mark = async {
            shutdown.leaving().cancelled().await;
            stopping.cancel();
        };
        let requests = serve::serve(self.public, self.service, self.bounds, &shutdown);
        let closing = shutdown.closing().clone();
        let listening = cache::listen(self.broker.clone(), self.cache, closing);
        let working = Box::pin(async {
            tokio::join!(
                mark,
                shutdown.part("requests", requests),
                shutdown.part("news", listening),
            );
            self.broker.close().await;
            Ok(())
        });
        admin::beside(self.admin, self.readiness, working).await
    }
}

/// What is behind the broker and Redis.
struct Stores {
    events: Events,
    limits: RateLimits,
    cache: Arc<Cache>,
}

fn service(
    config: Config,
    peers: Peers,
    stores: Stores,
    readiness: Readiness,
) -> Result<serve::Service, BuildError> {
    let (api, document) = routes::all().split_for_parts();
    let documents = Documents::of(document).map_err(RulesError::from)?;
    let limits = Limits {
        request_timeout: config.request_timeout,
        body_limit: config.body_limit,
        in_flight: config.in_flight,
        tls_only: config.secure_cookies,
    };
    let origins = config.origins.clone();
    let gateway: Shared = Arc::new(Gateway {
        access_tokens: AccessTokens::new(peers.clone(), config.clerk),
        api_keys: ApiKeys::new(peers.clone()),
        reads: Reads::of(&peers, Arc::clone(&stores.cache)),
        peers,
        events: stores.events,
        cache: stores.cache,
        rules: RuleBook::read(&documents)?,
        limits: stores.limits,
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
        .route_layer(from_fn(carry_key))
        .route_layer(from_fn_with_state(gateway.clone(), apply_rules))
        .with_state(gateway);
    let documentation = openapi::routes(documents).layer(map_response(allow_documentation_page));
    let all = api
        .merge(documentation)
        .fallback(routes::no_route)
        .method_not_allowed_fallback(routes::no_method);
    let all = wrap(all, &limits, &origins);
    // Around the router: what it matches is decided here.
    let all = from_fn(keep_manners).layer(MapRequest::new(all, version::route));
    Ok(serve::Service::new(all))
}
