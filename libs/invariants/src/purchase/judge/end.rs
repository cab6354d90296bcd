use super::super::documents::{CheckoutState, PaymentSaga, SagaStatus};
use super::super::gather::Purchase;
use crate::fields::listed;
use crate::finding::Invariant::OneEnd;
use crate::finding::Notes;
use crate::order::Order;

/// The checkout, its orders and the saga of its payment tell the same end.
pub(super) fn has_one_end(purchase: &Purchase, notes: &mut Notes) {
    let checkout = &purchase.checkout;
    if purchase.orders.len() > 1 {
        let ids: Vec<_> = purchase.orders.iter().map(|order| order.id).collect();
        notes.note(OneEnd, format!("has the orders {}", listed(&ids)));
    }
    match checkout.state {
        CheckoutState::Completed => became_an_order(purchase, notes),
        CheckoutState::Paid => notes.note(OneEnd, paid_without_end(purchase)),
        CheckoutState::Refunded => went_back(purchase, notes),
        CheckoutState::Opening
        | CheckoutState::Open
        | CheckoutState::Expired
        | CheckoutState::Canceled => was_never_paid(purchase, notes),
    }
    if let Some(saga) = &purchase.saga {
        refunds_only_if_undone(purchase, saga, notes);
    }
}

fn refunds_only_if_undone(purchase: &Purchase, saga: &PaymentSaga, notes: &mut Notes) {
    let has_refund = saga.state.refund_id.is_some();
    let is_compensated = saga.status == SagaStatus::Compensated;
    let taken_in = &saga.state.payment_intent_id;
    notes.demand(has_refund || !is_compensated, OneEnd, || {
        format!("has payment {taken_in}, whose saga was undone without a refund on record")
    });
    notes.demand(!has_refund || is_compensated, OneEnd, || {
        format!("has payment {taken_in}, which its saga refunded, and the saga is done")
    });
    if let Some(payment) = &purchase.checkout.payment {
        notes.demand(payment.intent_id == *taken_in, OneEnd, || {
            let recorded = &payment.intent_id;
            format!("has payment {recorded} on record, and the saga of payment {taken_in}")
        });
    }
}

fn became_an_order(purchase: &Purchase, notes: &mut Notes) {
    let checkout = &purchase.checkout;
    match (purchase.order(), &checkout.order_id) {
        (None, _) => notes.note(OneEnd, "is completed, and there is no order"),
        (Some(order), Some(id)) if order.id.to_hex() == *id => {}
        (Some(order), id) => notes.note(
            OneEnd,
            format!(
                "is completed by order {}, and has order {}",
                id.as_deref().unwrap_or("of no id"),
                order.id
            ),
        ),
    }
    notes.demand(checkout.payment.is_some(), OneEnd, || {
        "is completed without a payment on record".to_owned()
    });
    notes.demand(checkout.refund_id.is_none(), OneEnd, || {
        "has an order, and its payment was refunded".to_owned()
    });
    ended_as(purchase, SagaStatus::Done, notes);
}

fn paid_without_end(purchase: &Purchase) -> String {
    let saga = match &purchase.saga {
        None => "no saga is at it",
        Some(_) => "its saga has ended",
    };
    match purchase.order() {
        None => format!("is paid and neither an order nor refunded; {saga}"),
        Some(order) => format!("is paid and not completed, with order {}; {saga}", order.id),
    }
}

fn went_back(purchase: &Purchase, notes: &mut Notes) {
    let checkout = &purchase.checkout;
    if let Some(order) = purchase.order() {
        notes.note(OneEnd, format!("is refunded and has order {}", order.id));
    }
    let recorded = checkout.refund_id.as_deref();
    notes.demand(recorded.is_some(), OneEnd, || {
        "is refunded without a refund on record".to_owned()
    });
    ended_as(purchase, SagaStatus::Compensated, notes);
    let made = purchase.saga.as_ref();
    let made = made.and_then(|saga| saga.state.refund_id.as_deref());
    if let (Some(made), Some(recorded)) = (made, recorded) {
        notes.demand(made == recorded, OneEnd, || {
            format!("was refunded by {made}, and has refund {recorded} on record")
        });
    }
}

fn was_never_paid(purchase: &Purchase, notes: &mut Notes) {
    let checkout = &purchase.checkout;
    let state = checkout.state.word();
    if let Some(order) = purchase.order() {
        notes.note(OneEnd, format!("is {state} and has order {}", order.id));
    }
    if let Some(saga) = &purchase.saga {
        let status = saga.status.word();
        notes.note(
            OneEnd,
            format!("is {state}, and the saga of its payment is {status}"),
        );
    }
    let has_money = checkout.payment.is_some() || checkout.refund_id.is_some();
    notes.demand(!has_money, OneEnd, || {
        format!("is {state} with a payment or refund on record")
    });
}

fn ended_as(purchase: &Purchase, expected: SagaStatus, notes: &mut Notes) {
    let state = purchase.checkout.state.word();
    match &purchase.saga {
        None => notes.note(OneEnd, format!("is {state}, and no saga made it so")),
        Some(saga) if saga.status == expected => {}
        Some(saga) => {
            let status = saga.status.word();
            notes.note(OneEnd, format!("is {state}, and its saga is {status}"));
        }
    }
}

/// The checkout's total is what its lines cost, and the order is over the same lines.
pub(super) fn is_what_was_agreed(purchase: &Purchase, notes: &mut Notes) {
    let checkout = &purchase.checkout;
    let prices = checkout.lines.iter();
    let prices = prices.map(|line| i128::from(line.unit_price_cents) * i128::from(line.quantity));
    let sum: i128 = prices.sum();
    notes.demand(sum == i128::from(checkout.total_cents), OneEnd, || {
        let total = checkout.total_cents;
        format!("has a total of {total} cents, its lines make {sum}")
    });
    for order in &purchase.orders {
        is_order_of(purchase, order, notes);
    }
}

fn is_order_of(purchase: &Purchase, order: &Order, notes: &mut Notes) {
    let checkout = &purchase.checkout;
    notes.demand(order.user_id == checkout.user_id, OneEnd, || {
        let (owner, buyer) = (order.user_id, checkout.user_id);
        format!("was paid by {buyer}, and its order belongs to {owner}")
    });
    notes.demand(order.total_cents == checkout.total_cents, OneEnd, || {
        let (paid, ordered) = (checkout.total_cents, order.total_cents);
        format!("was {paid} cents, and its order is {ordered}")
    });
    let mut agreed = checkout.lines.clone();
    let mut ordered: Vec<_> = order.lines.iter().map(|line| line.as_agreed()).collect();
    agreed.sort_unstable();
    ordered.sort_unstable();
    notes.demand(agreed == ordered, OneEnd, || {
        format!("has order {} over other lines than were paid for", order.id)
    });
}
