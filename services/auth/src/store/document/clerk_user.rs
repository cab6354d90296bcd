use bson::DateTime;
use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::domain::ClerkUser;

/// What is known of a user of the identity provider. It outlives the user, so that a late event does
/// not bring anybody back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct ClerkUserDocument {
    /// Clerk's.
    #[serde(rename = "_id")]
    pub(in crate::store) id: String,
    /// Absent when the user was deleted before anything else was heard.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(in crate::store) user_id: Option<ObjectId>,
    /// When Clerk changed the user last, as far as is known here.
    pub(in crate::store) updated_at: DateTime,
    pub(in crate::store) deleted: bool,
}

impl ClerkUserDocument {
    pub(in crate::store) fn of(user: &ClerkUser, user_id: ObjectId) -> Self {
        Self {
            id: user.clerk_id.clone(),
            user_id: Some(user_id),
            updated_at: user.updated_at,
            deleted: false,
        }
    }
}
