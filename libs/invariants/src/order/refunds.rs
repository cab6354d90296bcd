use std::collections::{BTreeMap, BTreeSet};

use bson::oid::ObjectId;

use super::documents::{Order, Refund, RefundStatus, Status};
use crate::Terms;
use crate::finding::{Invariant, Notes};
use crate::terms::age;

/// Nobody gets back, and no seller gives back, more than was paid; and the sums are kept right.
pub(super) fn are_within(order: &Order, terms: Terms, notes: &mut Notes) {
    for refund in &order.refunds {
        is_whole(refund, notes);
        is_taken_up(refund, terms, notes);
    }
    is_each_once(order, notes);
    are_within_total(order, notes);
    are_within_shares(order, notes);
}

fn is_whole(refund: &Refund, notes: &mut Notes) {
    let shares: i128 = refund.shares.iter().map(|it| i128::from(it.amount_cents)).sum();
    let is_whole = refund.amount_cents > 0
        && shares == i128::from(refund.amount_cents)
        && refund.shares.iter().all(|share| share.amount_cents >= 0);
    notes.demand(is_whole, Invariant::Ledger, || {
        format!(
            "has refund {} of {} cents whose shares make {shares}",
            refund.id, refund.amount_cents
        )
    });
}

fn is_taken_up(refund: &Refund, terms: Terms, notes: &mut Notes) {
    let is_late = refund.status == RefundStatus::Pending && terms.is_late_saga(refund.at);
    notes.demand(!is_late, Invariant::NothingLost, || {
        format!(
            "has refund {} of {} cents, pending for {}",
            refund.id,
            refund.amount_cents,
            age(refund.at)
        )
    });
}

fn is_each_once(order: &Order, notes: &mut Notes) {
    let mut seen = BTreeSet::new();
    for refund in &order.refunds {
        let names = [Some(&refund.id), refund.stripe_refund_id.as_ref()];
        let names: BTreeSet<&String> = names.into_iter().flatten().collect();
        for name in names {
            notes.demand(seen.insert(name), Invariant::Once, || {
                format!("has refund {name} twice")
            });
        }
    }
}

fn are_within_total(order: &Order, notes: &mut Notes) {
    let sum = |wanted: &[RefundStatus]| -> i128 {
        let these = order.refunds.iter().filter(|it| wanted.contains(&it.status));
        these.map(|refund| i128::from(refund.amount_cents)).sum()
    };
    let done = sum(&[RefundStatus::Done]);
    let promised = sum(&[RefundStatus::Done, RefundStatus::Pending]);
    let total = i128::from(order.total_cents);
    notes.demand(promised <= total, Invariant::Once, || {
        format!("costs {total} cents, and its refunds make {promised}")
    });
    notes.demand(
        done == i128::from(order.refunded_cents),
        Invariant::Once,
        || {
            let kept = order.refunded_cents;
            format!("says that {kept} cents went back, its refunds make {done}")
        },
    );
    let is_refunded = order.status == Status::Refunded;
    notes.demand(is_refunded == (done >= total), Invariant::Once, || {
        let negation = if is_refunded { "" } else { "not " };
        format!("is {negation}refunded, and {done} of {total} cents went back")
    });
}

fn are_within_shares(order: &Order, notes: &mut Notes) {
    let mut left: BTreeMap<ObjectId, i128> = BTreeMap::new();
    for line in &order.lines {
        *left.entry(line.seller_id).or_default() += i128::from(line.price_cents);
    }
    let promised = order
        .refunds
        .iter()
        .filter(|refund| refund.status != RefundStatus::Rejected);
    for share in promised.flat_map(|refund| &refund.shares) {
        *left.entry(share.seller_id).or_default() -= i128::from(share.amount_cents);
    }
    for (seller, left) in left {
        notes.demand(left >= 0, Invariant::Once, || {
            format!("takes {} cents more back from seller {seller} than was paid", -left)
        });
    }
}
