use bson::DateTime;
use serde::{Deserialize, Serialize};

use crate::domain::Count;

/// Failures that were counted together.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct CountDocument {
    /// The counter's.
    #[serde(rename = "_id")]
    pub(in crate::store) id: String,
    pub(in crate::store) failures: i64,
    /// The end of the window. The database removes it some time after that.
    pub(in crate::store) expires_at: DateTime,
}

impl From<CountDocument> for Count {
    fn from(count: CountDocument) -> Self {
        Self {
            failures: count.failures,
            ends_at: count.expires_at,
        }
    }
}
