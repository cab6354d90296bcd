use bson::oid::ObjectId;
use bson::{Binary, DateTime};
use serde::{Deserialize, Serialize};

use crate::domain::Step;

/// What a user's second factor is checked against.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct SecondFactorDocument {
    /// The user's id.
    #[serde(rename = "_id")]
    pub(in crate::store) user_id: ObjectId,
    /// The secret of the app, sealed for the user.
    pub(in crate::store) sealed_secret: Binary,
    /// Whether a code of the app was seen; before that it protects nothing.
    pub(in crate::store) confirmed: bool,
    /// The newest half minute of which a code was accepted; older ones are not any more.
    pub(in crate::store) last_step: Step,
    /// Hashes of those that were not used.
    pub(in crate::store) recovery_codes: Vec<Binary>,
    /// Codes of the app that were looked at until `guesses_end_at` without one that was right.
    pub(in crate::store) guesses: i32,
    pub(in crate::store) guesses_end_at: DateTime,
    pub(in crate::store) created_at: DateTime,
}
