use bson::DateTime;
use bson::oid::ObjectId;
use reen_chassis::Operation;
use serde::{Deserialize, Serialize};

use crate::domain::Purchase;

/// A purchase that was counted, so that it is counted once and can be taken back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::store) struct PurchaseDocument {
    /// The operation's id.
    #[serde(rename = "_id")]
    pub(in crate::store) id: String,
    pub(in crate::store) saga: String,
    /// Absent when the operation was undone before it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::store) buyer_id: Option<ObjectId>,
    pub(in crate::store) seller_ids: Vec<ObjectId>,
    pub(in crate::store) forgotten: bool,
    pub(in crate::store) recorded_at: DateTime,
}

impl PurchaseDocument {
    pub(in crate::store) fn new(operation: &Operation, purchase: &Purchase) -> Self {
        Self {
            id: operation.id.clone(),
            saga: operation.saga.clone(),
            buyer_id: Some(purchase.buyer_id),
            seller_ids: purchase.seller_ids.clone(),
            forgotten: false,
            recorded_at: DateTime::now(),
        }
    }

    /// The record that an operation must not happen any more.
    pub(in crate::store) fn never(id: &str, saga: &str) -> Self {
        Self {
            id: id.to_owned(),
            saga: saga.to_owned(),
            buyer_id: None,
            seller_ids: Vec::new(),
            forgotten: true,
            recorded_at: DateTime::now(),
        }
    }

    /// What was counted and still is.
    pub(in crate::store) fn counted(self) -> Option<Purchase> {
        if self.forgotten {
            return None;
        }
        Some(Purchase {
            buyer_id: self.buyer_id?,
            seller_ids: self.seller_ids,
        })
    }
}
