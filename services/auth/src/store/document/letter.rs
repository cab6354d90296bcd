use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::domain::LetterKind;

/// A letter that was asked for, as far as it is read. Beside that it holds the minute in which it was asked
/// for, when it is forgotten, and the hash of its token once there is one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct LetterDocument {
    pub(in crate::store) kind: LetterKind,
    /// The address in the form in which it is unique, whether or not anybody has it here.
    pub(in crate::store) email_key: String,
    /// Whom the token is for; absent until there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) user_id: Option<ObjectId>,
}
