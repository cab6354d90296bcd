//! orders: what the service keeps of an order, as far as it is checked.

use bson::DateTime;
use bson::oid::ObjectId;
use serde::Deserialize;

use crate::purchase::CheckoutLine;

/// One of `orders`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    pub(crate) checkout_id: String,
    pub(crate) operation_id: String,
    pub(crate) user_id: ObjectId,
    pub(crate) total_cents: i64,
    pub(crate) status: Status,
    pub(crate) lines: Vec<OrderLine>,
    pub(crate) seller_ids: Vec<ObjectId>,
    #[serde(default)]
    pub(crate) refunds: Vec<Refund>,
    #[serde(default)]
    pub(crate) refunded_cents: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Paid,
    Processing,
    Shipped,
    Delivered,
    Refunded,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderLine {
    pub(crate) product_id: ObjectId,
    pub(crate) seller_id: ObjectId,
    pub(crate) quantity: i64,
    pub(crate) unit_price_cents: i64,
    pub(crate) price_cents: i64,
}

/// Money that goes back to the buyer of an order.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) amount_cents: i64,
    pub(crate) shares: Vec<Share>,
    pub(crate) status: RefundStatus,
    #[serde(default)]
    pub(crate) restock: bool,
    #[serde(default)]
    pub(crate) stripe_refund_id: Option<String>,
    pub(crate) at: DateTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RefundStatus {
    Pending,
    Done,
    Rejected,
}

/// What one seller bears of a refund.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Share {
    pub(crate) seller_id: ObjectId,
    pub(crate) amount_cents: i64,
}

impl OrderLine {
    /// As the checkout agreed it.
    pub(crate) fn as_agreed(&self) -> CheckoutLine {
        CheckoutLine {
            product_id: self.product_id,
            seller_id: self.seller_id,
            unit_price_cents: self.unit_price_cents,
            quantity: self.quantity,
        }
    }
}

impl Order {
    /// Refunds whose money went back.
    pub(crate) fn done_refunds(&self) -> impl Iterator<Item = &Refund> {
        let is_done = |refund: &&Refund| refund.status == RefundStatus::Done;
        self.refunds.iter().filter(is_done)
    }

    /// Whether its pieces went back into stock.
    pub(crate) fn is_restocked(&self) -> bool {
        self.done_refunds().any(|refund| refund.restock)
    }
}
