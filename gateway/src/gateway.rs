use std::collections::BTreeSet;
use std::sync::Arc;

use reen_chassis::admin::Readiness;
use secrecy::SecretString;

use crate::cache::{Cache, ProductViews};
use crate::cookies::RefreshCookie;
use crate::error::Error;
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

impl Gateway {
    /// What is shown of these products beside something else, by id; those that are gone are left out.
    ///
    /// # Errors
    /// When a service that is asked for what is not remembered fails.
    pub(crate) async fn products_beside(
        &self,
        ids: BTreeSet<String>,
    ) -> Result<ProductViews, Error> {
        let load = |ids| self.reads.find_products(ids);
        self.cache.product_views(ids, load).await
    }
}

/// As handlers hold it.
pub(crate) type Shared = Arc<Gateway>;
