//! What the sagas of events-handler tell: the money came, the order was made, the session expired,
//! the money went back.

use bson::oid::ObjectId;
use reen_chassis::Operation;

use super::Checkouts;
use crate::domain::{Checkout, ReceivedPayment, Refusal};
use crate::error::Error;

impl Checkouts {
    /// From now on nothing else may close the checkout.
    pub(crate) async fn record_payment(
        &self,
        operation: &Operation,
        id: ObjectId,
        received: &ReceivedPayment,
    ) -> Result<Checkout, Error> {
        let rule = |checkout: &mut Checkout| checkout.record_payment(received);
        let outcome = self.store.step(operation, id, rule).await;
        if let Err(Error::Refused(refusal)) = &outcome {
            log_unwanted_money(id, received, *refusal);
        }
        outcome
    }

    pub(crate) async fn complete(
        &self,
        operation: &Operation,
        id: ObjectId,
        order_id: &str,
    ) -> Result<(), Error> {
        let rule = |checkout: &mut Checkout| checkout.complete(order_id);
        self.store.step(operation, id, rule).await?;
        Ok(())
    }

    /// Closes what can no longer be paid. A repeat gives the stock back when the first try could not.
    pub(crate) async fn expire(&self, operation: &Operation, id: ObjectId) -> Result<(), Error> {
        let checkout = self.store.step(operation, id, Checkout::expire).await?;
        self.settle_hold(&checkout).await
    }

    pub(crate) async fn record_refund(
        &self,
        operation: &Operation,
        id: ObjectId,
        refund_id: &str,
    ) -> Result<(), Error> {
        let rule = |checkout: &mut Checkout| checkout.refund(refund_id);
        let checkout = self.store.step(operation, id, rule).await?;
        self.settle_hold(&checkout).await
    }
}

/// Stripe took money that this shop did not ask for: somebody has to look.
fn log_unwanted_money(id: ObjectId, received: &ReceivedPayment, refusal: Refusal) {
    tracing::error!(
        checkout = %id,
        session = received.payment.session_id,
        payment_intent = received.payment.intent_id,
        amount_cents = received.amount_cents,
        currency = received.currency,
        %refusal,
        "a payment was not recorded"
    );
}
