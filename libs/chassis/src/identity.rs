//! Who calls: a short-lived token that each process signs for each call, bound to the peer it is for.
//!
//! The token is `name.audience.user.expiry.mac`: the calling process, the called one, the user on whose
//! behalf it calls (`-` for none) and a Unix time, authenticated with HMAC-SHA256. A service believes
//! nothing else about its caller.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};

use crate::context::Caller;
use crate::tls::Certificates;

/// Long enough for clocks that differ a little, short enough that a captured token is soon worthless.
const LIFETIME_SECONDS: u64 = 60;
const SHORTEST_SECRET: usize = 32;

/// Why an identity cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// A secret that could be guessed.
    #[error("each secret must have at least 32 characters")]
    ShortSecret,
}

/// The name of this process and the keys that prove it.
///
/// The secret may be a list separated by commas: the first signs, all verify, so that it can be
/// exchanged while the mesh runs.
#[derive(Clone)]
pub struct Identity {
    name: &'static str,
    keys: Arc<[hmac::Key]>,
    certificates: Option<Certificates>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// The identity of the process `name`.
    ///
    /// # Errors
    /// [`IdentityError::ShortSecret`] when one of the secrets is too short.
    pub fn new(name: &'static str, secrets: &SecretString) -> Result<Self, IdentityError> {
        let secrets: Vec<&str> = secrets.expose_secret().split(',').map(str::trim).collect();
        if secrets.iter().any(|secret| secret.len() < SHORTEST_SECRET) {
            return Err(IdentityError::ShortSecret);
        }
        let keys = secrets
            .iter()
            .map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
            .collect();
        Ok(Self {
            name,
            keys,
            certificates: None,
        })
    }

    /// The same, with certificates: every connection from and to a peer is mutual TLS then. The tokens
    /// are as necessary as without.
    #[must_use]
    pub fn with_certificates(mut self, certificates: Certificates) -> Self {
        self.certificates = Some(certificates);
        self
    }

    pub(crate) fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// The name of this process.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// A token for one call to `audience`, on behalf of `user`.
    #[must_use]
    pub fn sign(&self, audience: &str, user: Option<&str>) -> String {
        let expiry = unix_now() + LIFETIME_SECONDS;
        let claims = format!("{}.{audience}.{}.{expiry}", self.name, user.unwrap_or("-"));
        let mac = hmac::sign(&self.keys[0], claims.as_bytes());
        format!("{claims}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    /// Who signed `token`, when it was signed for this process and is still valid.
    #[must_use]
    pub fn verify(&self, token: &str) -> Option<Caller> {
        let (claims, mac) = token.rsplit_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        let genuine = self
            .keys
            .iter()
            .any(|key| hmac::verify(key, claims.as_bytes(), &mac).is_ok());
        if !genuine {
            return None;
        }
        let mut parts = claims.split('.');
        let (service, audience, user, expiry) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if audience != self.name || expiry.parse::<u64>().ok()? < unix_now() {
            return None;
        }
        let user = (user != "-").then(|| user.into());
        Some(Caller {
            service: service.into(),
            user,
        })
    }
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::{Identity, IdentityError};

    const OLD: &str = "an old secret of thirty-two chars or more";
    const NEW: &str = "the new secret of thirty-two chars or more";

    fn identity(name: &'static str, secrets: &str) -> Identity {
        Identity::new(name, &SecretString::from(secrets)).unwrap()
    }

    #[test]
    fn a_token_names_the_caller_and_the_user() {
        let token = identity("gateway", OLD).sign("orders", Some("66f0c0ffee"));
        let caller = identity("orders", OLD).verify(&token).unwrap();
        assert_eq!(&*caller.service, "gateway");
        assert_eq!(caller.user.as_deref(), Some("66f0c0ffee"));
    }

    #[test]
    fn a_token_for_another_service_is_refused() {
        let token = identity("gateway", OLD).sign("orders", None);
        assert!(identity("auth", OLD).verify(&token).is_none());
    }

    #[test]
    fn a_changed_token_is_refused() {
        let token = identity("gateway", OLD).sign("orders", Some("alice"));
        let forged = token.replace("alice", "mallo");
        assert!(identity("orders", OLD).verify(&forged).is_none());
        assert!(identity("orders", OLD).verify("orders").is_none());
        assert!(identity("orders", OLD).verify("a.b.c.d.e").is_none());
    }

    #[test]
    fn a_secret_is_exchanged_while_both_are_listed() {
        let token = identity("gateway", OLD).sign("orders", None);
        let both = format!("{NEW},{OLD}");
        assert!(identity("orders", &both).verify(&token).is_some());
        assert!(identity("orders", NEW).verify(&token).is_none());
    }

    #[test]
    fn a_short_secret_is_refused() {
        let outcome = Identity::new("auth", &SecretString::from("short"));
        assert_eq!(outcome.unwrap_err(), IdentityError::ShortSecret);
    }
}
