use bson::oid::ObjectId;
use bson::{Binary, DateTime};
use serde::{Deserialize, Serialize};

use crate::domain::{ApiKey, Scope};

/// An API key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct ApiKeyDocument {
    #[serde(rename = "_id")]
    pub(in crate::store) id: ObjectId,
    pub(in crate::store) user_id: ObjectId,
    /// Which of a user's places it takes; unique with the user, so that there are never more.
    pub(in crate::store) place: i32,
    pub(in crate::store) name: String,
    pub(in crate::store) scopes: Vec<Scope>,
    /// Of the whole key.
    pub(in crate::store) hash: Binary,
    pub(in crate::store) created_at: DateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) last_used_at: Option<DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) expires_at: Option<DateTime>,
}

/// An API key, read only for the place that it takes.
#[derive(Deserialize)]
pub(in crate::store) struct PlaceDocument {
    pub(in crate::store) place: i32,
}

impl From<ApiKeyDocument> for ApiKey {
    fn from(key: ApiKeyDocument) -> Self {
        Self {
            id: key.id,
            user_id: key.user_id,
            name: key.name,
            scopes: key.scopes,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            expires_at: key.expires_at,
        }
    }
}
