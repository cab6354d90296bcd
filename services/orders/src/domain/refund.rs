use bson::DateTime;
use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

use super::Share;

/// Money of an order on its way back to the buyer; stored as it is, in the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refund {
    /// Ours when it was asked for here; Stripe's when it was made there.
    pub(crate) id: String,
    pub(crate) amount_cents: i64,
    /// Sums to the amount; each seller once.
    pub(crate) shares: Vec<Share>,
    pub(crate) status: RefundStatus,
    /// Whether the pieces go back into stock.
    pub(crate) restock: bool,
    /// Why, in the words of who asked; empty when nothing was said.
    pub(crate) reason: String,
    /// Known once the money went back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) stripe_refund_id: Option<String>,
    /// Why Stripe would not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) rejection: Option<String>,
    pub(crate) at: DateTime,
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RefundStatus {
    /// Asked for: its amount is nobody else's to give back.
    Pending,
    /// The money went back.
    Done,
    /// Stripe would not: its amount is free again.
    Rejected,
}

/// Who asks for a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requester {
    /// May give back anything that is left.
    Operator,
    /// May give back what is left of the own lines.
    Seller(ObjectId),
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) refund_id: String,
    pub(crate) requester: Requester,
    /// At least 1; absent for all that the requester may give back.
    pub(crate) amount_cents: Option<i64>,
    pub(crate) restock: bool,
    pub(crate) reason: String,
}

/// Money that Stripe gave back without having been asked from here.
#[derive(Clone, Debug)]
pub(crate) struct OutsideRefund {
    pub(crate) stripe_refund_id: String,
    /// At least 1.
    pub(crate) amount_cents: i64,
}

/// Why a refund is not what was asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RefundRefusal {
    #[error("there is no such refund")]
    Unknown,
    #[error("another refund has this id")]
    Taken,
    #[error("more than is left to give back")]
    TooMuch,
    #[error("only a refund of the whole order puts the pieces back into stock")]
    NotWhole,
    /// It fits once they are done or rejected.
    #[error("refunds that were asked for before stand in its way")]
    InTheWay,
    #[error("the refund ended otherwise")]
    EndedOtherwise,
}

impl Refund {
    /// Whether its amount is spoken for: it went back, or may go back any moment.
    pub(crate) fn counts(&self) -> bool {
        self.status != RefundStatus::Rejected
    }

    /// Whether a wish asks for what this one is. One that names no amount asked for whatever was left.
    pub(super) fn is_as_wished(&self, wish: &Wish) -> bool {
        let is_amount = wish
            .amount_cents
            .is_none_or(|cents| cents == self.amount_cents);
        is_amount && self.restock == wish.restock && self.reason == wish.reason
    }
}
