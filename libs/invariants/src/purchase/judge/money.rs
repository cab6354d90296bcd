use std::collections::BTreeMap;

use bson::oid::ObjectId;

use super::super::documents::{Leg, Posting};
use super::super::gather::Purchase;
use crate::account;
use crate::finding::Invariant::Ledger;
use crate::finding::Notes;
use crate::order::{Order, Refund, RefundStatus};

/// An order has its sale in the ledger, a refund its posting, and nothing else has either.
pub(super) fn is_posted(purchase: &Purchase, notes: &mut Notes) {
    let sale = purchase.sale.as_ref().filter(|sale| sale.stands());
    match (purchase.order(), sale) {
        (None, None) => {}
        (None, Some(sale)) => notes.note(
            Ledger,
            format!("has no order, and sale {} stands in the ledger", sale.id),
        ),
        (Some(_), None) => notes.note(Ledger, "has an order, and no sale in the ledger"),
        (Some(order), Some(sale)) => {
            is_sale_of(order, sale, notes);
            for refund in &order.refunds {
                is_refund_posted(purchase, order, refund, notes);
            }
        }
    }
}

fn is_sale_of(order: &Order, sale: &Posting, notes: &mut Notes) {
    let shares = order.lines.iter().map(|it| (it.seller_id, it.price_cents));
    let expected = legs(order.user_id, order.total_cents, shares, 1);
    notes.demand(
        sale.kind == "sale" && summed(&sale.legs) == expected,
        Ledger,
        || format!("has sale {} of other amounts than its order", sale.id),
    );
}

fn is_refund_posted(purchase: &Purchase, order: &Order, refund: &Refund, notes: &mut Notes) {
    let posting = purchase.refund_postings.get(&refund.id);
    let posting = posting.filter(|posting| posting.stands());
    match (refund.status, posting) {
        (RefundStatus::Done, None) => notes.note(
            Ledger,
            format!("has refund {} that is done and not posted", refund.id),
        ),
        (RefundStatus::Rejected, Some(_)) => notes.note(
            Ledger,
            format!("has refund {} that was rejected and is posted", refund.id),
        ),
        (_, None) => {}
        (_, Some(posting)) => {
            let shares = refund.shares.iter();
            let shares = shares.map(|it| (it.seller_id, it.amount_cents));
            let expected = legs(order.user_id, refund.amount_cents, shares, -1);
            let is_right = posting.kind == "refund" && summed(&posting.legs) == expected;
            notes.demand(is_right, Ledger, || {
                format!("has refund {} posted with other amounts", refund.id)
            });
        }
    }
}

/// What the buyer pays to the sellers, or gets back of them.
fn legs(
    buyer: ObjectId,
    total_cents: i64,
    shares: impl Iterator<Item = (ObjectId, i64)>,
    sign: i128,
) -> Sums {
    let mut sums = Sums::new();
    for (seller, cents) in shares {
        // Apart from the buyer's, also where somebody buys of themselves.
        let key = (account::of_user(&seller.to_hex()), sign > 0);
        *sums.entry(key).or_default() += sign * i128::from(cents);
    }
    let key = (account::of_user(&buyer.to_hex()), sign < 0);
    *sums.entry(key).or_default() -= sign * i128::from(total_cents);
    sums.retain(|_, sum| *sum != 0);
    sums
}

/// By account, and whether it gets or gives.
type Sums = BTreeMap<(String, bool), i128>;

fn summed(legs: &[Leg]) -> Sums {
    let mut sums = Sums::new();
    for leg in legs {
        let key = (leg.account.clone(), leg.amount_cents > 0);
        *sums.entry(key).or_default() += i128::from(leg.amount_cents);
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}
