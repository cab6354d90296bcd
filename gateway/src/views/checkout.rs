use reen_proto::checkout::v1 as proto;
use serde::Serialize;
use utoipa::ToSchema;

use super::rfc3339;
use crate::money::Money;

/// Where to pay.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpenedCheckout {
    stripe_session_url: String,
    checkout_id: String,
    #[schema(format = DateTime)]
    expires_at: String,
}

impl From<proto::CheckoutSession> for OpenedCheckout {
    fn from(checkout: proto::CheckoutSession) -> Self {
        Self {
            stripe_session_url: checkout.stripe_session_url,
            checkout_id: checkout.id,
            expires_at: rfc3339(checkout.expires_at),
        }
    }
}

/// How far a purchase is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CheckoutStatus {
    /// Can be paid.
    Open,
    /// Was paid; the order follows.
    Paid,
    /// Was paid, and the order is there.
    Completed,
    /// Was not paid in time.
    Expired,
    /// The buyer does not want it any more.
    Canceled,
    /// Was paid, and the money went back.
    Refunded,
}

impl From<i32> for CheckoutStatus {
    fn from(status: i32) -> Self {
        match proto::Status::try_from(status) {
            Ok(proto::Status::Paid) => Self::Paid,
            Ok(proto::Status::Completed) => Self::Completed,
            Ok(proto::Status::Expired) => Self::Expired,
            Ok(proto::Status::Canceled) => Self::Canceled,
            Ok(proto::Status::Refunded) => Self::Refunded,
            Ok(proto::Status::Open | proto::Status::Unspecified) | Err(_) => Self::Open,
        }
    }
}

/// A purchase: the cart as it was when the checkout was opened.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckoutView {
    id: String,
    status: CheckoutStatus,
    total: Money,
    /// ISO 4217, lower case.
    #[schema(example = "usd")]
    currency: String,
    /// While it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe_session_url: Option<String>,
    #[schema(format = DateTime)]
    expires_at: String,
    /// Once it is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    lines: Vec<CheckoutLine>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// One product of a purchase.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckoutLine {
    product_id: String,
    name: String,
    admin_id: String,
    unit_price: Money,
    quantity: i64,
    image_url: String,
}

impl From<proto::CheckoutSession> for CheckoutView {
    fn from(checkout: proto::CheckoutSession) -> Self {
        let url = checkout.stripe_session_url;
        Self {
            id: checkout.id,
            status: checkout.status.into(),
            total: Money::from_cents(checkout.total_cents),
            currency: checkout.currency,
            stripe_session_url: (!url.is_empty()).then_some(url),
            expires_at: rfc3339(checkout.expires_at),
            order_id: checkout.order_id,
            lines: checkout.lines.into_iter().map(Into::into).collect(),
            created_at: rfc3339(checkout.created_at),
            updated_at: rfc3339(checkout.updated_at),
        }
    }
}

impl From<proto::Line> for CheckoutLine {
    fn from(line: proto::Line) -> Self {
        Self {
            product_id: line.product_id,
            name: line.name,
            admin_id: line.seller_id,
            unit_price: Money::from_cents(line.unit_price_cents),
            quantity: line.quantity,
            image_url: line.image_url,
        }
    }
}
