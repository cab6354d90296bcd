use std::collections::BTreeSet;

use bson::Document;
use bson::oid::ObjectId;

use super::documents::Order;
use crate::fields::{shown, whole};
use crate::finding::{Invariant, Notes};

/// The lines make the total, and say the same wherever it is stored twice.
pub(super) fn adds_up(order: &Order, notes: &mut Notes) {
    notes.demand(!order.lines.is_empty(), Invariant::OneEnd, || {
        "has no lines".to_owned()
    });
    let mut sum = 0;
    for line in &order.lines {
        let price = i128::from(line.unit_price_cents) * i128::from(line.quantity);
        let product = line.product_id;
        let is_line = line.quantity > 0 && price == i128::from(line.price_cents);
        notes.demand(is_line, Invariant::OneEnd, || {
            format!(
                "has a line of product {product} with {} pieces at {} cents that cost {}",
                line.quantity, line.unit_price_cents, line.price_cents
            )
        });
        sum += i128::from(line.price_cents);
    }
    notes.demand(
        sum == i128::from(order.total_cents),
        Invariant::OneEnd,
        || {
            format!(
                "has a total of {} cents, its lines make {sum}",
                order.total_cents
            )
        },
    );
    let sellers: BTreeSet<ObjectId> = order.lines.iter().map(|line| line.seller_id).collect();
    let indexed: BTreeSet<ObjectId> = order.seller_ids.iter().copied().collect();
    notes.demand(sellers == indexed, Invariant::OneEnd, || {
        "is not found by the sellers of its lines".to_owned()
    });
}

/// The count of a product and its orders. Where all were withdrawn, the count stays at zero.
pub(super) fn count(kept: Option<&Document>, summed: Option<&Document>, notes: &mut Notes) {
    let counted = kept.map_or(Some(0), |count| whole(count.get("orders")));
    let orders = summed.map_or(Some(0), |sum| whole(sum.get("orders")));
    notes.demand(
        counted.is_some() && counted == orders,
        Invariant::Once,
        || {
            let counted = shown(kept.and_then(|count| count.get("orders")));
            let orders = orders.unwrap_or_default();
            format!("is counted in {counted} orders and is in {orders}")
        },
    );
}
