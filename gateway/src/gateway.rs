use std::sync::Arc;

use reen_chassis::admin::Readiness;
use secrecy::SecretString;

use crate::cache::Cache;
use crate::cookies::RefreshCookie;
use crate::events::Events;
use crate::joins::Reads;
use crate::limits::{RateLimits, TrustedProxies};
use crate::origins::Origins;
use crate::peers::Peers;
use crate::rules::RuleBook;
use crate::svix_signature::SvixSecret;
use crate::tokens::{AccessTokens, ApiKeys};

/// Everything that handlers and layers need.
pub(crate) struct Gateway {
    pub(crate) peers: Peers,
    pub(crate) reads: Reads,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) api_keys: ApiKeys,
    pub(crate) events: Events,
    pub(crate) cache: Arc<Cache>,
    pub(crate) rules: RuleBook,
    pub(crate) limits: RateLimits,
    pub(crate) proxies: TrustedProxies,
    pub(crate) readiness: Readiness,
    pub(crate) origins: Origins,
    pub(crate) refresh_cookie: RefreshCookie,
    pub(crate) stripe_webhook_secret: SecretString,
    /// Absent when Clerk is not used.
    pub(crate) clerk_webhook_secret: Option<SvixSecret>,
}

/// As handlers hold it.
pub(crate) type Shared = Arc<Gateway>;
