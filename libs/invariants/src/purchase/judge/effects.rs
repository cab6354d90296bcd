use std::collections::BTreeSet;

use super::super::gather::Purchase;
use super::super::names::{CREATE_ORDER, step};
use crate::finding::Invariant::{Ledger, Once};
use crate::finding::Notes;

/// What else an order leaves behind is there once, and is gone with it.
pub(super) fn are_there_once(purchase: &Purchase, notes: &mut Notes) {
    creation_is_kept(purchase, notes);
    is_counted(purchase, notes);
    left_the_cart(purchase, notes);
    let operations = &purchase.checkout.operations;
    let each: BTreeSet<&String> = operations.iter().collect();
    notes.demand(each.len() == operations.len(), Once, || {
        "had an operation of its saga twice".to_owned()
    });
}

fn creation_is_kept(purchase: &Purchase, notes: &mut Notes) {
    let order = purchase.order();
    let kept = purchase.creation.as_ref();
    let kept = kept.and_then(|it| Some((it.order_id?, it.operation_id.as_deref()?)));
    let made = order.map(|order| (order.id, order.operation_id.as_str()));
    notes.demand(kept == made, Once, || match order {
        Some(order) => format!("has order {} without the record of its making", order.id),
        None => "has the record of an order that is not there".to_owned(),
    });
    let operation = step(&purchase.checkout.id.to_hex(), CREATE_ORDER);
    if let Some(order) = order {
        notes.demand(order.operation_id == operation, Once, || {
            let id = &order.operation_id;
            format!("has order {} made by another operation, {id}", order.id)
        });
    }
}

fn is_counted(purchase: &Purchase, notes: &mut Notes) {
    let counted = purchase.counted.as_ref().filter(|it| !it.forgotten);
    match (purchase.order(), counted) {
        (None, None) => {}
        (Some(_), None) => notes.note(Ledger, "has an order that was not counted"),
        (None, Some(_)) => notes.note(Ledger, "has no order, and was counted as a purchase"),
        (Some(order), Some(counted)) => {
            let sellers: BTreeSet<_> = counted.seller_ids.iter().collect();
            let is_right = counted.buyer_id == Some(order.user_id)
                && sellers == order.seller_ids.iter().collect();
            notes.demand(is_right, Ledger, || {
                "has an order that was counted for other users".to_owned()
            });
        }
    }
}

fn left_the_cart(purchase: &Purchase, notes: &mut Notes) {
    let is_out = purchase.taken.as_ref().is_some_and(|taken| !taken.undone);
    let has_order = purchase.order().is_some();
    notes.demand(is_out == has_order, Once, || match has_order {
        true => "has an order whose lines were not taken out of the cart".to_owned(),
        false => "has no order, and its lines were not put back into the cart".to_owned(),
    });
}
