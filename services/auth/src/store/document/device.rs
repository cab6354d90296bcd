use bson::oid::ObjectId;
use bson::{Binary, DateTime};
use serde::{Deserialize, Serialize};

/// A client with which a user has signed in. Several users may have used the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct DeviceDocument {
    pub(in crate::store) user_id: ObjectId,
    /// The hash of the token by which the client is known.
    pub(in crate::store) device: Binary,
    pub(in crate::store) last_used_at: DateTime,
    pub(in crate::store) expires_at: DateTime,
}
