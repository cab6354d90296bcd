use bson::spec::BinarySubtype;
use bson::{Binary, DateTime};
use serde::{Deserialize, Serialize};

use crate::domain::ClerkMark;

/// What is noted of a Clerk user beside the local one. It outlives both, so that a late event does not
/// bring anybody back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct ClerkUserDocument {
    /// See [`ClerkMark`].
    #[serde(rename = "_id")]
    pub(in crate::store) id: Binary,
    /// When Clerk changed the user last, as far as is known here.
    pub(in crate::store) updated_at: DateTime,
    pub(in crate::store) is_deleted: bool,
}

impl From<ClerkMark> for Binary {
    fn from(mark: ClerkMark) -> Self {
        Self {
            subtype: BinarySubtype::Generic,
            bytes: mark.as_bytes().to_vec(),
        }
    }
}
