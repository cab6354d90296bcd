use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, DateTime};
use serde::{Deserialize, Serialize};

use crate::domain::TokenHash;

/// One refresh token. Those that were exchanged stay until they expire, so that they are recognised
/// when somebody presents them again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct TokenDocument {
    /// The hash of the token.
    #[serde(rename = "_id")]
    pub(in crate::store) id: Binary,
    /// The session: all tokens that came from one sign-in.
    pub(in crate::store) family_id: ObjectId,
    pub(in crate::store) user_id: ObjectId,
    /// When it was exchanged for its successor; absent while it can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) rotated_at: Option<DateTime>,
    pub(in crate::store) created_at: DateTime,
    pub(in crate::store) expires_at: DateTime,
}

impl From<&TokenHash> for Binary {
    fn from(hash: &TokenHash) -> Self {
        Self {
            subtype: BinarySubtype::Generic,
            bytes: hash.as_bytes().to_vec(),
        }
    }
}
