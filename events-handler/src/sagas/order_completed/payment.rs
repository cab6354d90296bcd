//! The payment: recorded first, refunded last.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reen_error::{Code, Failure};
use reen_proto::checkout::v1::{RecordPaymentRequest, RecordRefundRequest};

use super::{Line, State};
use crate::clients::Refund;
use crate::saga::{Call, measures};

/// From now on nothing else may close the checkout; what was paid for is learned from its snapshot.
pub(super) fn record<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let payment = RecordPaymentRequest {
            operation: Some(call.operation.to_proto()),
            checkout_id: state.checkout_id.clone(),
            stripe_session_id: state.session_id.clone(),
            payment_intent_id: state.payment_intent_id.clone(),
            amount_cents: state.amount_cents,
            currency: state.currency.clone(),
        };
        let recorded = call
            .parties
            .checkout()
            .record_payment(payment)
            .await?
            .into_inner();
        let checkout = recorded.checkout.ok_or_else(|| {
            Failure::new(Code::Internal, "the checkout service answered no snapshot")
        })?;
        state.buyer_id = checkout.user_id;
        state.lines = checkout.lines.into_iter().map(Line::from).collect();
        Ok(())
    }
    .boxed()
}

/// All of it goes back. Stripe knows a repeat by its key, and a later one by its own books.
pub(super) fn refund<'call>(
    call: &'call Call<'call>,
    state: &'call mut State,
) -> BoxFuture<'call, Result<(), Failure>> {
    async move {
        let refund = Refund {
            payment_intent_id: &state.payment_intent_id,
            checkout_id: &state.checkout_id,
            name: &call.operation.id,
            idempotency_key: &call.operation.id,
            amount_cents: None,
        };
        let refund_id = call.parties.payments().refund(refund).await?;
        tracing::warn!(checkout = state.checkout_id, refund = refund_id, "refunded");
        measures::refunded();
        state.refund_id = Some(refund_id.clone());
        let record = RecordRefundRequest {
            operation: Some(call.operation.to_proto()),
            checkout_id: state.checkout_id.clone(),
            refund_id,
        };
        let recorded = call.parties.checkout().record_refund(record).await;
        match recorded.map_err(Failure::from) {
            // An operator gave the money back of a checkout that was never ours.
            Err(unknown) if unknown.code == Code::NotFound => Ok(()),
            recorded => recorded.map(|_| ()),
        }
    }
    .boxed()
}

impl From<reen_proto::checkout::v1::Line> for Line {
    fn from(line: reen_proto::checkout::v1::Line) -> Self {
        Self {
            product_id: line.product_id,
            name: line.name,
            seller_id: line.seller_id,
            unit_price_cents: line.unit_price_cents,
            quantity: line.quantity,
            image_url: line.image_url,
        }
    }
}
