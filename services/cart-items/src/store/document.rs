use bson::DateTime;
use bson::oid::ObjectId;
use reen_chassis::Operation;
use serde::{Deserialize, Serialize};

use crate::domain::CartItem;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemDocument {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    pub(crate) user_id: ObjectId,
    pub(crate) product_id: ObjectId,
    pub(crate) quantity: i64,
    pub(crate) created_at: DateTime,
    pub(crate) updated_at: DateTime,
}

impl From<ItemDocument> for CartItem {
    fn from(item: ItemDocument) -> Self {
        Self {
            id: item.id,
            user_id: item.user_id,
            product_id: item.product_id,
            quantity: item.quantity,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// What one operation took out of a cart, so that it happens once and can be undone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TakenDocument {
    /// The operation's id.
    #[serde(rename = "_id")]
    pub(crate) id: String,
    /// Absent when the operation was undone before it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_id: Option<ObjectId>,
    pub(crate) lines: Vec<TakenLine>,
    pub(crate) undone: bool,
    pub(crate) taken_at: DateTime,
}

impl TakenDocument {
    pub(crate) fn of(operation: &Operation, user_id: ObjectId, lines: Vec<TakenLine>) -> Self {
        Self {
            id: operation.id.clone(),
            user_id: Some(user_id),
            lines,
            undone: false,
            taken_at: DateTime::now(),
        }
    }

    /// The record that an operation must not happen any more.
    pub(crate) fn never(operation_id: &str) -> Self {
        Self {
            id: operation_id.to_owned(),
            user_id: None,
            lines: Vec::new(),
            undone: true,
            taken_at: DateTime::now(),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TakenLine {
    pub(crate) product_id: ObjectId,
    pub(crate) quantity: i64,
}
