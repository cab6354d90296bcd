//! A session was paid: the buyer gets the order, or the money back, exactly once.

mod payment;
mod steps;
mod tell;

use reen_error::Code;
use serde::{Deserialize, Serialize};

pub(super) use self::steps::{late_hold, suffixed};
use crate::domain::Payment;
use crate::saga::{Compensation, Definition, Follows, Step};

/// What was paid for, as the checkout service kept it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) product_id: String,
    pub(crate) name: String,
    pub(crate) seller_id: String,
    pub(crate) unit_price_cents: i64,
    pub(crate) quantity: i64,
    pub(crate) image_url: String,
}

/// What the saga knows: the payment from its event, the rest from its steps.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) checkout_id: String,
    pub(crate) session_id: String,
    pub(crate) payment_intent_id: String,
    pub(crate) amount_cents: i64,
    pub(crate) currency: String,
    #[serde(default)]
    pub(crate) buyer_id: String,
    #[serde(default)]
    pub(crate) lines: Vec<Line>,
    #[serde(default)]
    pub(crate) order_id: Option<String>,
    #[serde(default)]
    pub(crate) refund_id: Option<String>,
    /// The users who were told, so that a repeat tells nobody twice.
    #[serde(default)]
    pub(crate) told: Vec<String>,
}

impl From<Payment> for State {
    fn from(payment: Payment) -> Self {
        Self {
            checkout_id: payment.checkout_id,
            session_id: payment.session_id,
            payment_intent_id: payment.payment_intent_id,
            amount_cents: payment.amount_cents,
            currency: payment.currency,
            ..Self::default()
        }
    }
}

pub(crate) const ORDER_COMPLETED: Definition<State> = Definition {
    kind: "order-completed",
    version: 2,
    steps: &[
        Step {
            name: "record-payment",
            follows: Follows::Stored,
            action: payment::record,
            compensation: Compensation::Undo(payment::refund),
            final_errors: &[Code::AmountMismatch],
        },
        Step {
            name: "commit-hold",
            follows: Follows::AtOnce,
            action: steps::commit_hold,
            compensation: Compensation::Undo(steps::give_stock_back),
            final_errors: &[Code::InsufficientStock, Code::ValidationFailed],
        },
        Step {
            name: "post-sale",
            follows: Follows::Beside,
            action: steps::post_sale,
            compensation: Compensation::Undo(steps::reverse_sale),
            final_errors: &[Code::ValidationFailed],
        },
        Step {
            name: "create-order",
            follows: Follows::AtOnce,
            action: steps::create_order,
            compensation: Compensation::Undo(steps::withdraw_order),
            final_errors: &[Code::ValidationFailed],
        },
        Step {
            name: "take-out-of-cart",
            follows: Follows::Stored,
            action: steps::take_out_of_cart,
            compensation: Compensation::Undo(steps::put_back_in_cart),
            final_errors: &[],
        },
        Step {
            name: "record-purchase",
            follows: Follows::Beside,
            action: steps::record_purchase,
            compensation: Compensation::Undo(steps::forget_purchase),
            final_errors: &[],
        },
        Step {
            name: "complete-checkout",
            follows: Follows::Stored,
            action: steps::complete_checkout,
            compensation: Compensation::NoneOwed("nothing after it can turn the saga around"),
            final_errors: &[],
        },
        Step {
            name: "tell-everybody",
            follows: Follows::AtOnce,
            action: tell::of_the_order,
            compensation: Compensation::NoneOwed("a letter cannot be taken back"),
            final_errors: &[],
        },
    ],
    epilogue: &[Step {
        name: "tell-the-buyer",
        follows: Follows::Stored,
        action: tell::of_the_refund,
        compensation: Compensation::NoneOwed("a letter cannot be taken back"),
        final_errors: &[],
    }],
};
