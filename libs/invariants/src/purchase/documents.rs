//! What the services keep of a purchase, as far as it is checked.

use bson::DateTime;
use bson::oid::ObjectId;
use serde::Deserialize;

/// checkout: `checkouts`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Checkout {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    pub(crate) user_id: ObjectId,
    pub(crate) state: CheckoutState,
    pub(crate) lines: Vec<CheckoutLine>,
    pub(crate) total_cents: i64,
    #[serde(default)]
    pub(crate) payment: Option<RecordedPayment>,
    #[serde(default)]
    pub(crate) order_id: Option<String>,
    #[serde(default)]
    pub(crate) refund_id: Option<String>,
    pub(crate) operations: Vec<String>,
    pub(crate) updated_at: DateTime,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum CheckoutState {
    Opening,
    Open,
    Paid,
    Completed,
    Expired,
    Canceled,
    Refunded,
}

impl CheckoutState {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Canceled => "canceled",
            Self::Refunded => "refunded",
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecordedPayment {
    pub(crate) intent_id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckoutLine {
    pub(crate) product_id: ObjectId,
    pub(crate) seller_id: ObjectId,
    pub(crate) unit_price_cents: i64,
    pub(crate) quantity: i64,
}

/// products: `holds`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hold {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) state: HoldState,
    pub(crate) lines: Vec<HeldLine>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HoldState {
    Held,
    Sold,
    Released,
    Returned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HeldLine {
    pub(crate) product_id: ObjectId,
    pub(crate) quantity: i64,
}

/// auth: `postings`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Posting {
    #[serde(rename = "_id")]
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) legs: Vec<Leg>,
    pub(crate) reversed: bool,
    pub(crate) void: bool,
}

impl Posting {
    /// Whether what it moved stays moved.
    pub(crate) fn stands(&self) -> bool {
        !self.void && !self.reversed
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Leg {
    pub(crate) account: String,
    pub(crate) amount_cents: i64,
}

/// auth: `purchases`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CountedPurchase {
    #[serde(default)]
    pub(crate) buyer_id: Option<ObjectId>,
    pub(crate) seller_ids: Vec<ObjectId>,
    pub(crate) forgotten: bool,
}

/// orders: `creations`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Creation {
    #[serde(default)]
    pub(crate) operation_id: Option<String>,
    #[serde(default)]
    pub(crate) order_id: Option<ObjectId>,
}

/// cart-items: what an operation took out of a cart.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Taken {
    pub(crate) undone: bool,
}

/// events-handler: `sagas`, that of a payment.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PaymentSaga {
    pub(crate) status: SagaStatus,
    pub(crate) state: PaymentState,
}

/// What the saga of a payment learned, as far as it is checked.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct PaymentState {
    #[serde(default)]
    pub(crate) refund_id: Option<String>,
    #[serde(default)]
    pub(crate) payment_intent_id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SagaStatus {
    Running,
    Compensating,
    Closing,
    Done,
    Compensated,
    Stuck,
}

impl SagaStatus {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Compensating => "compensating",
            Self::Closing => "closing",
            Self::Done => "done",
            Self::Compensated => "compensated",
            Self::Stuck => "stuck",
        }
    }

    pub(crate) fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Compensated)
    }
}
