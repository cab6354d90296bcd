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
    let shares: i128 = refund
        .shares
        .iter()
        .map(|it| i128::from(it.amount_cents))
        .sum();
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
        let these = order
            .refunds
            .iter()
            .filter(|it| wanted.contains(&it.status));
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
            format!(
                "takes {} cents more back from seller {seller} than was paid",
                -left
            )
        });
    }
}

#[cfg(test)]
mod tests {
    use bson::oid::ObjectId;
    use bson::{DateTime, Document, doc};

    use super::are_within;
    use crate::Terms;
    use crate::finding::{Notes, Subject};
    use crate::order::Order;

    const SELLERS: [ObjectId; 2] = [ObjectId::from_bytes([2; 12]), ObjectId::from_bytes([3; 12])];

    /// Of an order of 300 cents, of which the one seller got 200.
    fn findings(refunds: &[Document], refunded_cents: i64, status: &str) -> Vec<String> {
        let line = |seller: ObjectId, cents: i64| {
            doc! {
                "productId": ObjectId::new(), "sellerId": seller, "quantity": 1_i64,
                "unitPriceCents": cents, "priceCents": cents,
            }
        };
        let order = doc! {
            "_id": ObjectId::new(), "checkoutId": "c", "operationId": "o",
            "userId": ObjectId::new(), "totalCents": 300_i64, "status": status,
            "lines": [line(SELLERS[0], 200), line(SELLERS[1], 100)],
            "sellerIds": SELLERS.to_vec(), "refunds": refunds, "refundedCents": refunded_cents,
        };
        let order: Order = bson::deserialize_from_document(order).unwrap();
        let mut notes = Notes::on(Subject::new("order", order.id));
        are_within(&order, Terms::at_work(), &mut notes);
        let found = notes.into_findings().into_iter();
        found.map(|finding| finding.what).collect()
    }

    fn refund(id: &str, status: &str, shares: [i64; 2]) -> Document {
        let share = |(seller, cents)| doc! {"sellerId": seller, "amountCents": cents};
        doc! {
            "id": id, "amountCents": shares[0] + shares[1], "status": status,
            "shares": SELLERS.into_iter().zip(shares).map(share).collect::<Vec<_>>(),
            "at": DateTime::now(),
        }
    }

    #[test]
    fn what_is_rejected_is_free_again() {
        let refunds = [
            refund("a", "rejected", [200, 100]),
            refund("b", "pending", [200, 0]),
            refund("c", "done", [0, 100]),
        ];
        assert_eq!(findings(&refunds, 100, "shipped"), Vec::<String>::new());
    }

    #[test]
    fn all_that_went_back_is_a_refunded_order() {
        let all = [refund("a", "done", [200, 100])];
        assert_eq!(findings(&all, 300, "refunded"), Vec::<String>::new());
        assert_eq!(findings(&all, 300, "paid").len(), 1);
        assert_eq!(findings(&[], 0, "refunded").len(), 1);
    }

    #[test]
    fn no_seller_gives_more_than_he_got() {
        let refunds = [
            refund("a", "done", [0, 80]),
            refund("b", "pending", [0, 30]),
        ];
        let found = findings(&refunds, 80, "paid");
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("takes 10 cents more back from seller"));
    }

    #[test]
    fn the_same_refund_counts_once_by_either_id() {
        let mut ours = refund("a", "done", [10, 0]);
        ours.insert("stripeRefundId", "re_1");
        let mut outside = refund("re_1", "done", [10, 0]);
        assert_eq!(
            findings(&[ours.clone(), outside.clone()], 20, "paid").len(),
            1
        );
        outside.insert("stripeRefundId", "re_1");
        assert_eq!(findings(&[outside], 10, "paid"), Vec::<String>::new());
    }

    #[test]
    fn shares_make_the_amount() {
        let mut uneven = refund("a", "done", [10, 10]);
        uneven.insert("amountCents", 30_i64);
        let found = findings(&[uneven], 30, "paid");
        assert_eq!(found, ["has refund a of 30 cents whose shares make 20"]);
    }
}
