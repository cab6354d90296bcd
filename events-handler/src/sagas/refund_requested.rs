//! A seller or an operator gives money back: the buyer gets it of Stripe, the sellers bear it, the pieces
//! go back into stock when that was asked for.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reen_error::{Code, Failure};
use reen_proto::auth::v1::{FindContactsRequest, PostRefundRequest};
use reen_proto::checkout::v1::{FindPaymentRequest, Status};
use reen_proto::events::v1::RefundRequested;
use reen_proto::orders::v1::{RejectRefundRequest, SettleRefundRequest};
use reen_proto::products::v1::ReturnStockRequest;
use serde::{Deserialize, Serialize};

use super::order_completed::{late_hold, suffixed};
use super::shares::{Share, to_auth};
use crate::clients::{Letter, Refund};
use crate::saga::{Call, Compensation, Definition, Follows, Step, measures};

/// What was asked for, and what the steps learned.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// Ours; the saga's key.
    pub(crate) id: String,
    order_id: String,
    checkout_id: String,
    buyer_id: String,
    amount_cents: i64,
    shares: Vec<Share>,
    restock: bool,
    /// Stripe's, once the money went back.
    #[serde(default)]
    refund_id: Option<String>,
    /// Why Stripe would not.
    #[serde(default)]
    rejection: String,
    #[serde(default)]
    is_told: bool,
}

impl From<RefundRequested> for State {
    fn from(asked: RefundRequested) -> Self {
        Self {
            id: asked.refund_id,
            order_id: asked.order_id,
            checkout_id: asked.checkout_id,
            buyer_id: asked.buyer_id,
            amount_cents: asked.amount_cents,
            shares: asked.parts.into_iter().map(Share::from).collect(),
            restock: asked.restock,
            ..Self::default()
        }
    }
}

fn refund_payment<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        match give_back(call, state).await {
            Ok(refund_id) => {
                tracing::info!(refund = state.id, made = refund_id, "refunded");
                measures::refunded();
                state.refund_id = Some(refund_id);
                Ok(())
            }
            Err(failure) => {
                state.rejection.clone_from(&failure.message);
                Err(failure)
            }
        }
    }
    .boxed()
}

/// Not before the order is settled: until then its own saga may still give everything back.
async fn give_back(call: &Call<'_>, state: &State) -> Result<String, Failure> {
    let asked = FindPaymentRequest {
        checkout_id: state.checkout_id.clone(),
    };
    let payment = call.parties.checkout().find_payment(asked).await?;
    let payment = payment.into_inner();
    match payment.status() {
        Status::Completed => {
            let refund = Refund {
                payment_intent_id: &payment.payment_intent_id,
                checkout_id: &state.checkout_id,
                name: &state.id,
                idempotency_key: &call.operation.id,
                amount_cents: Some(state.amount_cents),
            };
            call.parties.payments().refund(refund).await
        }
        Status::Refunded => Err(Failure::new(
            Code::PaymentRefused,
            "the payment went back before it became an order",
        )),
        _ => Err(Failure::new(
            Code::Unavailable,
            "the payment has not become an order yet",
        )),
    }
}

fn post_refund<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let refund = PostRefundRequest {
            operation: Some(call.operation.to_proto()),
            buyer_id: state.buyer_id.clone(),
            total_cents: state.amount_cents,
            shares: to_auth(&state.shares),
        };
        call.parties.auth().post_refund(refund).await?;
        Ok(())
    }
    .boxed()
}

fn settle_refund<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let settlement = SettleRefundRequest {
            operation: Some(call.operation.to_proto()),
            order_id: state.order_id.clone(),
            refund_id: state.id.clone(),
            stripe_refund_id: state.refund_id.clone().unwrap_or_default(),
        };
        call.parties.orders().settle_refund(settlement).await?;
        Ok(())
    }
    .boxed()
}

/// Of both holds that the checkout may have had, whichever was sold; returning the other is nothing.
fn return_stock<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        if !state.restock {
            return Ok(());
        }
        for hold_id in [late_hold(&state.checkout_id), state.checkout_id.clone()] {
            let operation = Some(suffixed(&call.operation, &hold_id).to_proto());
            let returned = ReturnStockRequest { operation, hold_id };
            call.parties.products().return_stock(returned).await?;
        }
        Ok(())
    }
    .boxed()
}

fn tell_the_buyer<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let asked = FindContactsRequest {
            ids: vec![state.buyer_id.clone()],
        };
        let found = call.parties.auth().find_contacts(asked).await?.into_inner();
        for contact in found.contacts {
            if contact.email.is_empty() || state.is_told {
                continue;
            }
            let letter = Letter::order_refunded(state.order_id.clone(), state.amount_cents);
            // The same id at every try, so that a mailbox can tell a repeat.
            let id = format!("refund.{}.{}", state.id, contact.id);
            let mailer = call.parties.mailer();
            mailer
                .send(&id, &contact.name, &contact.email, &letter)
                .await?;
            state.is_told = true;
        }
        Ok(())
    }
    .boxed()
}

/// The amount is free again. An order that was withdrawn meanwhile has none.
fn reject_refund<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let rejection = RejectRefundRequest {
            operation: Some(call.operation.to_proto()),
            order_id: state.order_id.clone(),
            refund_id: state.id.clone(),
            why: state.rejection.clone(),
        };
        let rejected = call.parties.orders().reject_refund(rejection).await;
        match rejected.map_err(Failure::from) {
            Err(gone) if gone.code == Code::NotFound => Ok(()),
            rejected => rejected.map(drop),
        }
    }
    .boxed()
}

const FORWARD_ONLY: &str = "money that went back is only ever accounted for";

pub(crate) const REFUND_REQUESTED: Definition<State> = Definition {
    kind: "refund-requested",
    version: 1,
    steps: &[
        Step {
            name: "refund-payment",
            follows: Follows::Stored,
            action: refund_payment,
            compensation: Compensation::NoneOwed("what Stripe refused finally was not done"),
            final_errors: &[Code::PaymentRefused],
        },
        Step {
            name: "post-refund",
            follows: Follows::Stored,
            action: post_refund,
            compensation: Compensation::NoneOwed(FORWARD_ONLY),
            final_errors: &[],
        },
        Step {
            name: "settle-refund",
            follows: Follows::Beside,
            action: settle_refund,
            compensation: Compensation::NoneOwed(FORWARD_ONLY),
            final_errors: &[],
        },
        Step {
            name: "return-stock",
            follows: Follows::Beside,
            action: return_stock,
            compensation: Compensation::NoneOwed(FORWARD_ONLY),
            final_errors: &[],
        },
        Step {
            name: "tell-the-buyer",
            follows: Follows::Stored,
            action: tell_the_buyer,
            compensation: Compensation::NoneOwed("a letter cannot be taken back"),
            final_errors: &[],
        },
    ],
    epilogue: &[Step {
        name: "reject-refund",
        follows: Follows::Stored,
        action: reject_refund,
        compensation: Compensation::NoneOwed("the wish is refused for good"),
        final_errors: &[],
    }],
};
