//! How money of an order goes back: never more than was paid, and of each seller never more than he
//! got. Each change made twice is made once.

use std::collections::BTreeMap;

use bson::DateTime;
use bson::oid::ObjectId;

use super::{
    Order, OutsideRefund, Refund, RefundRefusal, RefundStatus, Requester, Share, Status, Wish,
    apportion,
};

impl Order {
    /// What each seller got and no refund has spoken for.
    pub(crate) fn left(&self) -> BTreeMap<ObjectId, i64> {
        let mut left: BTreeMap<ObjectId, i64> = BTreeMap::new();
        for line in &self.lines {
            *left.entry(line.seller_id).or_default() += line.price_cents;
        }
        let spoken_for = self.refunds.iter().filter(|refund| refund.counts());
        for share in spoken_for.flat_map(|refund| &refund.shares) {
            *left.entry(share.seller_id).or_default() -= share.amount_cents;
        }
        left
    }

    /// Notes a refund that somebody asks for; a repeat gets the one that is there.
    pub(crate) fn request_refund(
        &mut self,
        wish: &Wish,
        now: DateTime,
    ) -> Result<Refund, RefundRefusal> {
        if let Some(known) = self.refund(&wish.refund_id) {
            return match known.is_as_wished(wish) {
                true => Ok(known.clone()),
                false => Err(RefundRefusal::Taken),
            };
        }
        let shares = self.wished_shares(wish)?;
        let amount_cents = shares.iter().map(|share| share.amount_cents).sum();
        let has_others = self.refunds.iter().any(Refund::counts);
        if wish.restock && (has_others || amount_cents != self.total_cents) {
            return Err(RefundRefusal::NotWhole);
        }
        let refund = Refund {
            id: wish.refund_id.clone(),
            amount_cents,
            shares,
            status: RefundStatus::Pending,
            restock: wish.restock,
            reason: wish.reason.clone(),
            stripe_refund_id: None,
            rejection: None,
            at: now,
        };
        self.refunds.push(refund.clone());
        Ok(refund)
    }

    fn wished_shares(&self, wish: &Wish) -> Result<Vec<Share>, RefundRefusal> {
        let mut left = self.left();
        if let Requester::Seller(own) = wish.requester {
            left.retain(|seller_id, _| *seller_id == own);
        }
        let amount_cents = wish.amount_cents.unwrap_or_else(|| left.values().sum());
        apportion(amount_cents, &left).ok_or(RefundRefusal::TooMuch)
    }

    /// The money of a requested refund went back.
    pub(crate) fn settle_refund(
        &mut self,
        id: &str,
        stripe_refund_id: &str,
    ) -> Result<(), RefundRefusal> {
        let refund = self.refund_mut(id)?;
        match (refund.status, refund.stripe_refund_id.as_deref()) {
            (RefundStatus::Pending, _) => {
                refund.status = RefundStatus::Done;
                refund.stripe_refund_id = Some(stripe_refund_id.to_owned());
                self.sum_up();
                Ok(())
            }
            (RefundStatus::Done, Some(known)) if known == stripe_refund_id => Ok(()),
            _ => Err(RefundRefusal::EndedOtherwise),
        }
    }

    /// Stripe would not give the money back.
    pub(crate) fn reject_refund(&mut self, id: &str, why: &str) -> Result<(), RefundRefusal> {
        let refund = self.refund_mut(id)?;
        match refund.status {
            RefundStatus::Pending => {
                refund.status = RefundStatus::Rejected;
                refund.rejection = Some(why.to_owned());
                Ok(())
            }
            RefundStatus::Rejected => Ok(()),
            RefundStatus::Done => Err(RefundRefusal::EndedOtherwise),
        }
    }

    /// Notes money that went back without having been asked for here; a repeat gets what is there.
    /// It may not fit before refunds that were asked for here are over: Stripe gave the same money
    /// back only once, so one of those will be rejected.
    pub(crate) fn record_outside_refund(
        &mut self,
        outside: &OutsideRefund,
        now: DateTime,
    ) -> Result<Refund, RefundRefusal> {
        let id = outside.stripe_refund_id.as_str();
        let is_this = |refund: &&Refund| refund.stripe_refund_id.as_deref() == Some(id);
        if let Some(known) = self.refunds.iter().find(is_this) {
            return match known.amount_cents == outside.amount_cents {
                true => Ok(known.clone()),
                false => Err(RefundRefusal::Taken),
            };
        }
        let shares = apportion(outside.amount_cents, &self.left()).ok_or_else(|| {
            let unpaid = self.total_cents - self.refunded_cents;
            match outside.amount_cents <= unpaid {
                true => RefundRefusal::InTheWay,
                false => RefundRefusal::TooMuch,
            }
        })?;
        let refund = Refund {
            id: id.to_owned(),
            amount_cents: outside.amount_cents,
            shares,
            status: RefundStatus::Done,
            restock: false,
            reason: String::new(),
            stripe_refund_id: Some(id.to_owned()),
            rejection: None,
            at: now,
        };
        self.refunds.push(refund.clone());
        self.sum_up();
        Ok(refund)
    }

    fn refund(&self, id: &str) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.id == id)
    }

    fn refund_mut(&mut self, id: &str) -> Result<&mut Refund, RefundRefusal> {
        let found = self.refunds.iter_mut().find(|refund| refund.id == id);
        found.ok_or(RefundRefusal::Unknown)
    }

    fn sum_up(&mut self) {
        let done = self.refunds.iter();
        let done = done.filter(|refund| refund.status == RefundStatus::Done);
        self.refunded_cents = done.map(|refund| refund.amount_cents).sum();
        if self.refunded_cents == self.total_cents {
            self.status = Status::Refunded;
        }
    }
}

#[cfg(test)]
mod tests;
