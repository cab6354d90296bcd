//! Money went back at Stripe's side: what was not asked for from here is noted at the order and in the
//! ledger. Stripe tells of our own refunds as well; those have sagas of their own.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reen_chassis::Operation;
use reen_error::{Code, Failure};
use reen_proto::auth::v1::PostRefundRequest;
use reen_proto::checkout::v1::{FindPaymentRequest, Payment, Status};
use reen_proto::orders::v1::RecordOutsideRefundRequest;
use serde::{Deserialize, Serialize};

use super::order_completed::suffixed;
use super::refund_requested::REFUND_REQUESTED;
use super::shares::{Share, to_auth};
use crate::clients::MadeRefund;
use crate::domain::PaymentRefunded;
use crate::saga::{Call, Compensation, Definition, Follows, Step};

/// What the event told, and what the steps learned.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    checkout_id: String,
    payment_intent_id: String,
    /// The oldest first.
    #[serde(default)]
    refunds: Vec<OutsideRefund>,
}

/// A refund that was not asked for from here.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct OutsideRefund {
    /// Stripe's.
    id: String,
    amount_cents: i64,
    /// Known once the order knows the refund, and so are the shares.
    #[serde(default)]
    buyer_id: String,
    #[serde(default)]
    shares: Vec<Share>,
}

impl From<PaymentRefunded> for State {
    fn from(refunded: PaymentRefunded) -> Self {
        Self {
            checkout_id: refunded.checkout_id,
            payment_intent_id: refunded.payment_intent_id,
            refunds: Vec::new(),
        }
    }
}

impl From<MadeRefund> for OutsideRefund {
    fn from(made: MadeRefund) -> Self {
        Self {
            id: made.id,
            amount_cents: made.amount_cents,
            buyer_id: String::new(),
            shares: Vec::new(),
        }
    }
}

/// Every refund of the payment that is not ours, whichever the event was about: events come late, twice
/// and in any order.
fn find_refunds<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let payments = call.parties.payments();
        let mut made = payments.refunds(&state.payment_intent_id).await?;
        made.retain(|refund| refund.name.is_none());
        if made.is_empty() || !became_an_order(call, state).await? {
            return Ok(());
        }
        state.refunds = made.into_iter().rev().map(OutsideRefund::from).collect();
        Ok(())
    }
    .boxed()
}

/// A payment that its own saga gave back never became an order, whoever gave some of it back before.
/// One that may still become one, or not, is looked at again later.
async fn became_an_order(call: &Call<'_>, state: &State) -> Result<bool, Failure> {
    let asked = FindPaymentRequest {
        checkout_id: state.checkout_id.clone(),
    };
    let found = call.parties.checkout().find_payment(asked).await;
    let payment = match found.map_err(Failure::from) {
        Err(unknown) if unknown.code == Code::NotFound => return Ok(false),
        found => found?.into_inner(),
    };
    if is_another(&payment, &state.payment_intent_id) {
        return Ok(false);
    }
    match payment.status() {
        Status::Completed => Ok(true),
        Status::Refunded => Ok(false),
        _ => Err(Failure::new(
            Code::Unavailable,
            "the payment has not become an order yet",
        )),
    }
}

/// A checkout that was paid twice has an order for one of the payments.
fn is_another(payment: &Payment, payment_intent_id: &str) -> bool {
    !payment.payment_intent_id.is_empty() && payment.payment_intent_id != payment_intent_id
}

fn record_refunds<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        for refund in &mut state.refunds {
            let made = RecordOutsideRefundRequest {
                operation: Some(suffixed(&call.operation, &refund.id).to_proto()),
                checkout_id: state.checkout_id.clone(),
                stripe_refund_id: refund.id.clone(),
                amount_cents: refund.amount_cents,
            };
            let mut orders = call.parties.orders();
            let recorded = orders.record_outside_refund(made).await?.into_inner();
            refund.buyer_id = recorded.order.unwrap_or_default().user_id;
            let shares = recorded.refund.unwrap_or_default().shares.into_iter();
            refund.shares = shares.map(Share::from).collect();
        }
        Ok(())
    }
    .boxed()
}

fn post_refunds<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        for refund in &state.refunds {
            let posting = PostRefundRequest {
                operation: Some(posting_of(refund, &call.operation).to_proto()),
                buyer_id: refund.buyer_id.clone(),
                total_cents: refund.amount_cents,
                shares: to_auth(&refund.shares),
            };
            call.parties.auth().post_refund(posting).await?;
        }
        Ok(())
    }
    .boxed()
}

/// Named after the refund and not after this saga: several sagas may find the same one, and the ledger
/// tells them apart by nothing else. It is the name under which any refund is posted.
fn posting_of(refund: &OutsideRefund, operation: &Operation) -> Operation {
    Operation {
        id: format!("{}:{}/post-refund", REFUND_REQUESTED.kind, refund.id),
        ..operation.clone()
    }
}

const FORWARD_ONLY: &str = "money that went back is only ever accounted for";

pub(crate) const PAYMENT_REFUNDED: Definition<State> = Definition {
    kind: "payment-refunded",
    version: 1,
    steps: &[
        Step {
            name: "find-refunds",
            follows: Follows::Stored,
            action: find_refunds,
            compensation: Compensation::NoneOwed("it only looks"),
            final_errors: &[],
        },
        Step {
            name: "record-refunds",
            follows: Follows::AtOnce,
            action: record_refunds,
            compensation: Compensation::NoneOwed(FORWARD_ONLY),
            final_errors: &[],
        },
        Step {
            name: "post-refunds",
            follows: Follows::AtOnce,
            action: post_refunds,
            compensation: Compensation::NoneOwed(FORWARD_ONLY),
            final_errors: &[],
        },
    ],
    epilogue: &[],
};
