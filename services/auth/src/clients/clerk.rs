use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bson::DateTime;
use clerk_rs::apis::configuration::Configuration;
use clerk_rs::apis::{Error as ClerkError, jwks_api, users_api};
use clerk_rs::clerk::CLERK_API_VERSION;
use clerk_rs::models::{EmailAddress, User};
use reen_chassis::telemetry::trace;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::IdentityProvider;
use crate::domain::{ClerkUser, Email, Name};
use crate::error::Error;

/// A sign-in waits for it.
const TIMEOUT: Duration = Duration::from_secs(4);
const PARTY: &str = "clerk";
const VERIFIED: &str = "verified";

/// Clerk's Backend API, or a stand-in that speaks it. It has no `Debug`: the configuration holds the
/// secret key.
pub(crate) struct Clerk {
    api: Configuration,
}

impl Clerk {
    /// A client for `api_base` (with the version, without a slash at its end), or for Clerk itself.
    /// Connects when first used.
    pub(crate) fn connect(
        secret_key: &SecretString,
        api_base: Option<&Url>,
    ) -> Result<Self, reqwest::Error> {
        let version = HeaderValue::from_static(CLERK_API_VERSION);
        let headers =
            HeaderMap::from_iter([(HeaderName::from_static("clerk-api-version"), version)]);
        let client = Client::builder()
            .default_headers(headers)
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let mut api = Configuration::new(secret_key.expose_secret());
        api.client = client;
        if let Some(base) = api_base {
            api = api.with_base_path(base.as_str().trim_end_matches('/'));
        }
        Ok(Self { api })
    }
}

#[async_trait]
impl IdentityProvider for Clerk {
    async fn user(&self, id: &str) -> Result<Option<ClerkUser>, Error> {
        let asking = users_api::get_user(&self.api, id);
        match trace::outgoing(PARTY, "read user", asking).await {
            Ok(user) => Ok(Some(read(user)?)),
            Err(ClerkError::ResponseError(said)) if said.status == StatusCode::NOT_FOUND => {
                Ok(None)
            }
            Err(error) => Err(away(&error)),
        }
    }

    async fn keys(&self) -> Result<String, Error> {
        let asking = jwks_api::get_jwks(&self.api);
        let keys = trace::outgoing(PARTY, "read keys", asking).await;
        let keys = keys.map_err(|error| away(&error))?;
        serde_json::to_string(&keys).map_err(|error| Error::ProviderAway(error.to_string()))
    }
}

/// Without what was answered: it may be about people.
fn away<T: fmt::Debug>(error: &ClerkError<T>) -> Error {
    let why = match error {
        ClerkError::Reqwest(error) if error.is_timeout() => "it does not answer in time".to_owned(),
        ClerkError::Reqwest(_) => "it cannot be reached".to_owned(),
        ClerkError::Serde(error) => format!("it answers what cannot be read: {error}"),
        ClerkError::Io(error) => error.to_string(),
        ClerkError::ResponseError(said) => format!("it answers {}", said.status),
    };
    Error::ProviderAway(why)
}

fn read(user: User) -> Result<ClerkUser, Error> {
    let name = Name::of_parts(
        [user.first_name.as_deref(), user.last_name.as_deref()],
        user.username.as_deref(),
    );
    let primary = user.primary_email_address_id;
    let is_primary = |address: &&EmailAddress| address.id.is_some() && address.id == primary;
    let email = user.email_addresses.iter().find(is_primary);
    Ok(ClerkUser {
        clerk_id: user.id,
        name: name?,
        is_email_verified: email.is_some_and(is_verified),
        email: email.and_then(|email| Email::parse(&email.email_address).ok()),
        updated_at: DateTime::from_millis(user.updated_at),
    })
}

/// Each way to verify has a type of its own, and all have a status.
fn is_verified(address: &EmailAddress) -> bool {
    let verification = serde_json::to_value(&address.verification).unwrap_or_default();
    verification.get("status").and_then(Value::as_str) == Some(VERIFIED)
}
