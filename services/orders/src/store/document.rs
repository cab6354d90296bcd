use bson::DateTime;
use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use crate::domain::{CheckoutId, NewOrder, Order, OrderLine, Refund, Status, sellers};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderDocument {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    pub(crate) checkout_id: String,
    /// The operation that created it.
    pub(crate) operation_id: String,
    pub(crate) user_id: ObjectId,
    pub(crate) total_cents: i64,
    pub(crate) status: Status,
    pub(crate) lines: Vec<OrderLine>,
    /// Those of the lines, each once, for the index of sales.
    pub(crate) seller_ids: Vec<ObjectId>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) refunds: Vec<Refund>,
    #[serde(default)]
    pub(crate) refunded_cents: i64,
    pub(crate) created_at: DateTime,
    pub(crate) updated_at: DateTime,
}

impl OrderDocument {
    /// An order that has just been paid.
    pub(crate) fn paid(operation_id: &str, order: &NewOrder) -> Self {
        let now = DateTime::now();
        Self {
            id: ObjectId::new(),
            checkout_id: order.checkout_id.text().to_owned(),
            operation_id: operation_id.to_owned(),
            user_id: order.user_id,
            total_cents: order.total_cents,
            status: Status::Paid,
            lines: order.lines.clone(),
            seller_ids: sellers(&order.lines),
            refunds: Vec::new(),
            refunded_cents: 0,
            created_at: now,
            updated_at: now,
        }
    }
}

impl From<OrderDocument> for Order {
    fn from(order: OrderDocument) -> Self {
        Self {
            id: order.id,
            checkout_id: order.checkout_id,
            user_id: order.user_id,
            total_cents: order.total_cents,
            status: order.status,
            lines: order.lines,
            refunds: order.refunds,
            refunded_cents: order.refunded_cents,
            created_at: order.created_at,
            updated_at: order.updated_at,
        }
    }
}

/// What became of the one order that a checkout may have. It outlives an order that is withdrawn, so
/// that it is not created anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreationDocument {
    #[serde(rename = "_id")]
    pub(crate) checkout_id: String,
    /// Absent when the order was withdrawn before it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operation_id: Option<String>,
    /// Absent when there is none, not yet or not any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order_id: Option<ObjectId>,
    pub(crate) created_at: DateTime,
}

impl CreationDocument {
    pub(crate) fn of(order: &OrderDocument) -> Self {
        Self {
            checkout_id: order.checkout_id.clone(),
            operation_id: Some(order.operation_id.clone()),
            order_id: Some(order.id),
            created_at: order.created_at,
        }
    }

    /// The record that a checkout must not have an order any more.
    pub(crate) fn never(checkout_id: &CheckoutId) -> Self {
        Self {
            checkout_id: checkout_id.text().to_owned(),
            operation_id: None,
            order_id: None,
            created_at: DateTime::now(),
        }
    }
}

/// In how many orders a product is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProductCount {
    #[serde(rename = "_id")]
    pub(crate) product_id: ObjectId,
    pub(crate) orders: i64,
}
