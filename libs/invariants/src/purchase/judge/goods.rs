use std::collections::BTreeMap;

use bson::oid::ObjectId;

use super::super::documents::{CheckoutState, Hold, HoldState};
use super::super::gather::Purchase;
use crate::Terms;
use crate::finding::Invariant::Stock;
use crate::finding::Notes;

/// Sold is what was ordered and did not go back; held is what can still be paid for.
pub(super) fn are_where_they_belong(purchase: &Purchase, terms: Terms, notes: &mut Notes) {
    match purchase.order() {
        Some(order) if order.is_restocked() => went_back(purchase, notes),
        Some(_) => are_sold_once(purchase, notes),
        None => are_not_sold(purchase, notes),
    }
    for hold in holds(purchase) {
        are_those_of_the_checkout(purchase, hold, notes);
        let is_late = terms.is_late_for_sweeper(purchase.checkout.updated_at);
        let is_wrong = hold.state == HoldState::Held && !may_be_held(purchase, hold);
        notes.demand(!is_wrong || !is_late, Stock, || {
            let state = purchase.checkout.state.word();
            format!("is {state}, and its hold {} still holds stock", hold.id)
        });
    }
}

fn holds(purchase: &Purchase) -> impl Iterator<Item = &Hold> {
    [&purchase.hold, &purchase.late_hold].into_iter().flatten()
}

fn in_state(purchase: &Purchase, state: HoldState) -> usize {
    holds(purchase).filter(|hold| hold.state == state).count()
}

fn are_sold_once(purchase: &Purchase, notes: &mut Notes) {
    match in_state(purchase, HoldState::Sold) {
        1 => {}
        0 => notes.note(Stock, "has an order, and no stock was sold for it"),
        _ => notes.note(Stock, "has an order, and its stock was sold twice"),
    }
}

fn are_not_sold(purchase: &Purchase, notes: &mut Notes) {
    for hold in holds(purchase).filter(|hold| hold.state == HoldState::Sold) {
        let what = format!("has no order, and the stock of hold {} was sold", hold.id);
        notes.note(Stock, what);
    }
}

fn went_back(purchase: &Purchase, notes: &mut Notes) {
    let is_right =
        in_state(purchase, HoldState::Sold) == 0 && in_state(purchase, HoldState::Returned) == 1;
    notes.demand(is_right, Stock, || {
        "has an order whose stock was to go back after its refund, and did not".to_owned()
    });
}

/// Only until it is paid or closed, and only the first one.
fn may_be_held(purchase: &Purchase, hold: &Hold) -> bool {
    let is_first = purchase.hold.as_ref().is_some_and(|it| it.id == hold.id);
    let state = purchase.checkout.state;
    is_first && matches!(state, CheckoutState::Opening | CheckoutState::Open)
}

fn are_those_of_the_checkout(purchase: &Purchase, hold: &Hold, notes: &mut Notes) {
    // Released before it was reserved: it never held anything.
    if hold.lines.is_empty() && hold.state == HoldState::Released {
        return;
    }
    let agreed = purchase.checkout.lines.iter();
    let agreed = pieces(agreed.map(|line| (line.product_id, line.quantity)));
    let held = pieces(hold.lines.iter().map(|it| (it.product_id, it.quantity)));
    notes.demand(agreed == held, Stock, || {
        format!("has hold {} over other stock than was agreed", hold.id)
    });
}

fn pieces(lines: impl Iterator<Item = (ObjectId, i64)>) -> BTreeMap<ObjectId, i128> {
    let mut pieces = BTreeMap::new();
    for (product, quantity) in lines {
        *pieces.entry(product).or_default() += i128::from(quantity);
    }
    pieces
}
