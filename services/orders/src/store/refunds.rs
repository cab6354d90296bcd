//! Refunds, kept in their orders: each change in one transaction with its fence or its message.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use mongodb::ClientSession;
use reen_chassis::Operation;
use reen_mongo::{Claim, Transaction};

use super::Store;
use super::history::sold;
use crate::domain::{
    CheckoutId, Order, OutsideRefund, Refund, RefundRefusal, Requester, Status, Wish,
};
use crate::error::Error;
use crate::events::refund_requested;

impl Store {
    /// Notes what somebody asks for, together with the message that starts it. A repeat answers what
    /// has become of it, and starts nothing.
    pub(crate) async fn request_refund(
        &self,
        order_id: ObjectId,
        wish: &Wish,
        claim: &Claim<Refund>,
    ) -> Result<Refund, Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .request_refund_once(transaction.session(), order_id, wish, claim)
                .await;
            if let Some(refund) = transaction.settle(attempt).await? {
                self.outbox.nudge();
                return Ok(refund);
            }
        }
    }

    async fn request_refund_once(
        &self,
        session: &mut ClientSession,
        order_id: ObjectId,
        wish: &Wish,
        claim: &Claim<Refund>,
    ) -> Result<Refund, Error> {
        let this = match wish.requester {
            Requester::Operator => doc! {"_id": order_id},
            Requester::Seller(seller_id) => sold(seller_id, order_id),
        };
        let order = self.find_in(session, this).await?;
        let mut changed = order.clone();
        let refund = changed.request_refund(wish, DateTime::now())?;
        if changed != order {
            self.keep_refunds(session, &mut changed).await?;
            let message = refund_requested(&changed, &refund);
            self.outbox.put(session, &message).await?;
        }
        claim.keep(session, &refund).await?;
        Ok(refund)
    }

    /// The money of a requested refund went back; answers the order.
    pub(crate) async fn settle_refund(
        &self,
        operation: &Operation,
        order_id: ObjectId,
        refund_id: &str,
        stripe_refund_id: &str,
    ) -> Result<Order, Error> {
        let this = doc! {"_id": order_id};
        let settled = |order: &mut Order| order.settle_refund(refund_id, stripe_refund_id);
        let (order, ()) = self.change_refunds(operation, this, settled).await?;
        Ok(order)
    }

    /// Stripe would not.
    pub(crate) async fn reject_refund(
        &self,
        operation: &Operation,
        order_id: ObjectId,
        refund_id: &str,
        why: &str,
    ) -> Result<(), Error> {
        let this = doc! {"_id": order_id};
        let rejected = |order: &mut Order| order.reject_refund(refund_id, why);
        self.change_refunds(operation, this, rejected).await?;
        Ok(())
    }

    /// Money went back without having been asked for here; answers who bears it, and the order.
    pub(crate) async fn record_outside_refund(
        &self,
        operation: &Operation,
        checkout_id: &CheckoutId,
        outside: &OutsideRefund,
    ) -> Result<(Order, Refund), Error> {
        let this = doc! {"checkoutId": checkout_id.text()};
        let recorded = |order: &mut Order| order.record_outside_refund(outside, DateTime::now());
        self.change_refunds(operation, this, recorded).await
    }

    async fn change_refunds<T>(
        &self,
        operation: &Operation,
        this: Document,
        rule: impl Fn(&mut Order) -> Result<T, RefundRefusal>,
    ) -> Result<(Order, T), Error> {
        let mut transaction = Transaction::begin(&self.database).await?;
        loop {
            let attempt = self
                .change_refunds_once(transaction.session(), operation, this.clone(), &rule)
                .await;
            if let Some(changed) = transaction.settle(attempt).await? {
                return Ok(changed);
            }
        }
    }

    async fn change_refunds_once<T>(
        &self,
        session: &mut ClientSession,
        operation: &Operation,
        this: Document,
        rule: impl Fn(&mut Order) -> Result<T, RefundRefusal>,
    ) -> Result<(Order, T), Error> {
        self.fence.pass(session, operation).await?;
        let order = self.find_in(session, this).await?;
        let mut changed = order.clone();
        let answer = rule(&mut changed)?;
        if changed != order {
            self.keep_refunds(session, &mut changed).await?;
        }
        Ok((changed, answer))
    }

    async fn find_in(&self, session: &mut ClientSession, this: Document) -> Result<Order, Error> {
        let found = self.orders.find_one(this).session(session).await?;
        found.map(Order::from).ok_or(Error::NotFound)
    }

    /// Of two who change the refunds of an order, one is sent back to the beginning.
    async fn keep_refunds(
        &self,
        session: &mut ClientSession,
        changed: &mut Order,
    ) -> Result<(), Error> {
        changed.updated_at = DateTime::now();
        let mut kept = doc! {
            "refunds": bson::serialize_to_bson(&changed.refunds).map_err(reen_mongo::Error::from)?,
            "refundedCents": changed.refunded_cents,
            "updatedAt": changed.updated_at,
        };
        if changed.status == Status::Refunded {
            kept.insert("status", changed.status.word());
        }
        let kept = self
            .orders
            .update_one(doc! {"_id": changed.id}, doc! {"$set": kept})
            .session(session)
            .await;
        match kept.map_err(reen_mongo::Error::from) {
            Ok(_) => Ok(()),
            // Another order has a refund of this id.
            Err(error) if error.is_duplicate_key() => Err(RefundRefusal::Taken.into()),
            Err(error) => Err(error.into()),
        }
    }
}
