use chrono::DateTime;
use prost_types::Timestamp;
use reen_error::FieldFailure;
use reen_proto::auth::v1 as proto;
use reen_proto::time::from_millis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{fields, rfc3339};
use crate::error::Error;
use crate::scope::Scope;

/// A key that a program is to get.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateApiKey {
    /// What it is for, to tell it from others.
    #[schema(schema_with = fields::api_key_name)]
    name: String,
    #[schema(schema_with = fields::scopes)]
    scopes: Vec<Scope>,
    /// Absent: it is good until it is taken back.
    #[schema(schema_with = fields::expiry)]
    expires_at: Option<String>,
}

impl CreateApiKey {
    /// As auth is asked.
    pub(crate) fn into_proto(self) -> Result<proto::CreateApiKeyRequest, Error> {
        let scopes = self.scopes.into_iter().map(proto::Scope::from);
        Ok(proto::CreateApiKeyRequest {
            name: self.name,
            scopes: scopes.map(Into::into).collect(),
            expires_at: self.expires_at.as_deref().map(read_time).transpose()?,
        })
    }
}

/// The rules have checked the format; what cannot be read all the same is no mistake of ours.
fn read_time(text: &str) -> Result<Timestamp, Error> {
    let time = DateTime::parse_from_rfc3339(text).map_err(|error| {
        let message = "must be a time like 2027-11-21T08:00:00.000Z";
        Error::invalid(vec![FieldFailure::new("expiresAt", "not_a_time", message)]).because(error)
    })?;
    Ok(from_millis(time.timestamp_millis()))
}

/// All that can be shown of an API key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyView {
    id: String,
    name: String,
    scopes: Vec<Scope>,
    /// How the key begins.
    #[schema(example = "reen_66f0c0ffee66f0c0ffee66f0")]
    prefix: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// To the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

impl From<proto::ApiKey> for ApiKeyView {
    fn from(key: proto::ApiKey) -> Self {
        let time = |time: Option<Timestamp>| time.map(|time| rfc3339(Some(time)));
        Self {
            scopes: key.scopes().filter_map(Scope::known).collect(),
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            created_at: rfc3339(key.created_at),
            last_used_at: time(key.last_used_at),
            expires_at: time(key.expires_at),
        }
    }
}

/// A new API key.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedApiKey {
    #[serde(flatten)]
    pub(crate) api_key: ApiKeyView,
    /// The key itself, as `Authorization: Bearer …`. It is shown this once.
    #[schema(
        example = "reen_66f0c0ffee66f0c0ffee66f0_XkR0bJ1c9n3yq7sYt2vW5zA8dF4gH6jK0lM1nP3rS5u"
    )]
    pub(crate) key: String,
}
