use reen_proto::orders::v1 as proto;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{fields, rfc3339};
use crate::money::Money;

/// What is to go back to the buyer of an order.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestRefund {
    /// Absent: everything that the caller may give back.
    #[schema(schema_with = fields::refund_amount)]
    amount: Option<Money>,
    /// Whether the pieces go back into stock; for a refund of the whole order only.
    #[serde(default)]
    restock: bool,
    #[schema(schema_with = fields::reason)]
    reason: Option<String>,
}

impl RequestRefund {
    /// As the orders service is asked, under an id of the refund's own.
    pub(crate) fn into_proto(
        self,
        order_id: String,
        refund_id: String,
        as_operator: bool,
    ) -> proto::RequestRefundRequest {
        proto::RequestRefundRequest {
            order_id,
            refund_id,
            amount_cents: self.amount.map(Money::cents),
            restock: self.restock,
            reason: self.reason.unwrap_or_default(),
            as_operator,
        }
    }
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RefundStatus {
    /// Asked for.
    Pending,
    /// The money went back.
    Done,
    /// The payment provider would not.
    Rejected,
}

impl From<proto::RefundStatus> for RefundStatus {
    fn from(status: proto::RefundStatus) -> Self {
        match status {
            proto::RefundStatus::Pending | proto::RefundStatus::Unspecified => Self::Pending,
            proto::RefundStatus::Done => Self::Done,
            proto::RefundStatus::Rejected => Self::Rejected,
        }
    }
}

/// Money of an order on its way back to the buyer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RefundView {
    /// Of the payment provider's making when the refund was made there.
    id: String,
    amount: Money,
    status: RefundStatus,
    /// Whether the pieces go back into stock.
    restock: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<proto::Refund> for RefundView {
    fn from(refund: proto::Refund) -> Self {
        let status = refund.status().into();
        let reason = refund.reason;
        Self {
            id: refund.id,
            amount: Money::from_cents(refund.amount_cents),
            status,
            restock: refund.restock,
            reason: (!reason.is_empty()).then_some(reason),
            created_at: rfc3339(refund.created_at),
        }
    }
}
