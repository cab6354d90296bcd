use bson::DateTime;
use bson::oid::ObjectId;
use serde::{Deserialize, Serialize};

/// One try to buy a cart; stored as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Checkout {
    #[serde(rename = "_id")]
    pub(crate) id: ObjectId,
    pub(crate) user_id: ObjectId,
    pub(crate) state: State,
    /// What is bought, as it was when it was reserved.
    pub(crate) lines: Vec<Line>,
    pub(crate) total_cents: i64,
    /// ISO 4217, lower case.
    pub(crate) currency: String,
    pub(crate) hold_state: HoldState,
    /// Absent until Stripe's session is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<PaymentPage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) payment: Option<RecordedPayment>,
    /// When the payment was recorded here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) paid_at: Option<DateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refund_id: Option<String>,
    /// The ids of the saga's operations that had their effect here.
    pub(crate) operations: Vec<String>,
    /// The newest epoch of each saga that changed it: the fence, kept in the document that it guards.
    #[serde(default)]
    pub(crate) epochs: Vec<SagaEpoch>,
    /// Grows with every change: who read an older one does not overwrite a newer.
    #[serde(default)]
    pub(crate) revision: i64,
    /// When the payment page closes; whole seconds, because Stripe's are.
    pub(crate) expires_at: DateTime,
    pub(crate) created_at: DateTime,
    pub(crate) updated_at: DateTime,
}

/// The newest epoch of a saga that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SagaEpoch {
    pub(crate) saga: String,
    pub(crate) epoch: i64,
}

/// A line as it was when it was reserved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    pub(crate) product_id: ObjectId,
    pub(crate) name: String,
    pub(crate) seller_id: ObjectId,
    pub(crate) unit_price_cents: i64,
    pub(crate) quantity: i64,
    /// Empty when the product has no picture.
    pub(crate) image_url: String,
}

/// Where the buyer pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PaymentPage {
    /// Stripe's Checkout Session.
    pub(crate) session_id: String,
    pub(crate) url: String,
}

/// What Stripe collected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RecordedPayment {
    pub(crate) session_id: String,
    pub(crate) intent_id: String,
}

/// What became of a checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum State {
    /// The stock is held, the payment page is being made.
    Opening,
    Open,
    Paid,
    Completed,
    Expired,
    Canceled,
    Refunded,
}

impl State {
    /// The states in which nothing is sold and nothing will be: what is held is to be given back.
    pub(crate) const UNSOLD: [Self; 3] = [Self::Expired, Self::Canceled, Self::Refunded];

    pub(crate) fn is_unsold(self) -> bool {
        Self::UNSOLD.contains(&self)
    }

    /// As it is stored.
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

/// What this service owes the stock that it had reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum HoldState {
    Held,
    /// It is to be given back; noted before it is tried, so that a crash cannot forget it.
    ReleaseOwed,
    /// It was given back or sold: nothing is owed.
    Settled,
}

impl HoldState {
    /// As it is stored.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::ReleaseOwed => "releaseOwed",
            Self::Settled => "settled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{HoldState, State};

    #[test]
    fn what_is_queried_is_stored_under_its_word() {
        use State::{Canceled, Completed, Expired, Open, Opening, Paid, Refunded};
        for state in [Opening, Open, Paid, Completed, Expired, Canceled, Refunded] {
            let stored = bson::serialize_to_bson(&state).unwrap();
            assert_eq!(stored.as_str(), Some(state.word()));
        }
        for state in [HoldState::Held, HoldState::ReleaseOwed, HoldState::Settled] {
            let stored = bson::serialize_to_bson(&state).unwrap();
            assert_eq!(stored.as_str(), Some(state.word()));
        }
    }
}
