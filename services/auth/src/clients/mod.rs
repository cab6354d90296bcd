//! The party that this service asks.

mod clerk;

use async_trait::async_trait;

use crate::domain::ClerkUser;
use crate::error::Error;

pub(crate) use clerk::Clerk;

/// Whoever signs users in for us.
#[async_trait]
pub(crate) trait IdentityProvider: Send + Sync {
    /// The user's profile; `None` when there is no such user (any more).
    async fn user(&self, id: &str) -> Result<Option<ClerkUser>, Error>;

    /// The public keys that verify its tokens, as a JSON Web Key Set.
    async fn keys(&self) -> Result<String, Error>;
}
