//! The comparison of Stripe's books with the databases: every payment has one end.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use bson::{Bson, Document, doc};
use futures::TryStreamExt as _;
use reen_mongo::Database;
use serde_json::Value;

use crate::invariants;
use crate::mesh::Mesh;
use crate::parts::Process;
use crate::report::Findings;
use crate::visitor::PaymentPages;

const PAGE: usize = 100;

/// A session that Stripe says is paid.
struct Payment {
    session: String,
    checkout: String,
    amount: i64,
    /// What went back.
    refunded: i64,
    refunds: u64,
}

/// What the orders service has of a checkout.
#[derive(Default)]
struct Orders {
    count: u64,
    /// What went back of a finished order.
    refunded: i64,
}

/// Checks everything, once the mesh is quiet.
pub(crate) async fn check(mesh: &Mesh, pages: &PaymentPages) -> Result<Findings> {
    let payments = payments(pages).await?;
    let mut orders = orders_by_checkout(mesh.database(Process::Orders)?).await?;
    let mut findings = Findings {
        paid: count(&payments),
        orders: orders.values().map(|orders| orders.count).sum(),
        refunds: payments.iter().map(|payment| payment.refunds).sum(),
        broken: invariants::broken(mesh).await?,
        ..Findings::default()
    };
    for payment in &payments {
        let its_orders = orders.remove(&payment.checkout).unwrap_or_default();
        judge(payment, &its_orders, &mut findings);
    }
    let unpaid = orders
        .keys()
        .map(|checkout| format!("checkout {checkout}: ordered and not paid"));
    findings.doubled.extend(unpaid);
    findings.broken.extend(dead_letters(mesh).await?);
    Ok(findings)
}

fn judge(payment: &Payment, orders: &Orders, findings: &mut Findings) {
    let told = format!(
        "session {} of checkout {}: paid {}, {} orders, {} refunds of {} in all",
        payment.session,
        payment.checkout,
        payment.amount,
        orders.count,
        payment.refunds,
        payment.refunded
    );
    let is_explained = payment.refunded == orders.refunded;
    match orders.count {
        0 if payment.refunded < payment.amount => findings.lost.push(told),
        0 if payment.refunds > 1 => findings.doubled.push(told),
        0 => {}
        1 if is_explained => {}
        _ => findings.doubled.push(told),
    }
}

fn count<T>(all: &[T]) -> u64 {
    u64::try_from(all.len()).unwrap_or(u64::MAX)
}

/// Every paid session, page by page, with its refunds.
async fn payments(pages: &PaymentPages) -> Result<Vec<Payment>> {
    let mut paid = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/v1/checkout/sessions?limit={PAGE}{after}");
        let page = pages.get(&path).await?;
        let sessions = page["data"].as_array().context("a list of sessions")?;
        for session in sessions.iter().filter(|it| it["payment_status"] == "paid") {
            paid.push(read_payment(session)?);
        }
        match sessions.last().and_then(|last| last["id"].as_str()) {
            Some(last) if page["has_more"] == true => after = format!("&starting_after={last}"),
            _ => break,
        }
    }
    let mut of_session: BTreeMap<String, (i64, u64)> = BTreeMap::new();
    let refunds = pages.get("/sim/refunds").await?;
    for refund in refunds.as_array().context("a list of refunds")? {
        let session = text(refund, "session")?;
        let sums = of_session.entry(session).or_default();
        sums.0 += refund["amount"].as_i64().context("an amount")?;
        sums.1 += 1;
    }
    for payment in &mut paid {
        let sums = of_session.get(&payment.session).copied();
        (payment.refunded, payment.refunds) = sums.unwrap_or_default();
    }
    Ok(paid)
}

fn read_payment(session: &Value) -> Result<Payment> {
    Ok(Payment {
        session: text(session, "id")?,
        checkout: text(session, "client_reference_id")?,
        amount: session["amount_total"].as_i64().context("an amount")?,
        refunded: 0,
        refunds: 0,
    })
}

fn text(value: &Value, field: &str) -> Result<String> {
    let text = value[field].as_str();
    let text = text.with_context(|| format!("no {field} in {value}"))?;
    Ok(text.to_owned())
}

async fn orders_by_checkout(database: &Database) -> Result<BTreeMap<String, Orders>> {
    let mut orders: BTreeMap<String, Orders> = BTreeMap::new();
    let wanted = doc! {"checkoutId": 1, "refundedCents": 1};
    let mut found = database
        .collection::<Document>("orders")
        .find(doc! {})
        .projection(wanted)
        .await?;
    while let Some(order) = found.try_next().await? {
        let its = orders.entry(id_in(&order, "checkoutId")).or_default();
        its.count += 1;
        its.refunded += order.get_i64("refundedCents").unwrap_or_default();
    }
    Ok(orders)
}

/// Nothing that a run does is more than the mesh can work off.
async fn dead_letters(mesh: &Mesh) -> Result<Vec<String>> {
    let dead = crate::quiet::queues(mesh).await?;
    let dead = dead.into_iter().filter(|(name, _)| name.ends_with(".dead"));
    Ok(dead
        .filter(|(_, messages)| *messages > 0)
        .map(|(name, messages)| format!("{messages} dead letters in {name}"))
        .collect())
}

/// An id as hex digits, however the service keeps it.
fn id_in(document: &Document, field: &str) -> String {
    match document.get(field) {
        Some(Bson::ObjectId(id)) => id.to_hex(),
        Some(Bson::String(id)) => id.clone(),
        other => format!("{field} is {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(refunded: i64, refunds: u64, orders: u64, explained: i64) -> (usize, usize) {
        let payment = Payment {
            session: "cs_1".to_owned(),
            checkout: "1".to_owned(),
            amount: 100,
            refunded,
            refunds,
        };
        let orders = Orders {
            count: orders,
            refunded: explained,
        };
        let mut findings = Findings::default();
        judge(&payment, &orders, &mut findings);
        (findings.lost.len(), findings.doubled.len())
    }

    #[test]
    fn a_payment_has_one_order_or_all_of_its_money_back() {
        assert_eq!(judged(0, 0, 1, 0), (0, 0));
        assert_eq!(judged(100, 1, 0, 0), (0, 0));
        assert_eq!(
            judged(40, 1, 1, 40),
            (0, 0),
            "a refund of a part of the order"
        );
    }

    #[test]
    fn anything_else_is_lost_or_doubled() {
        assert_eq!(judged(0, 0, 0, 0), (1, 0), "nothing");
        assert_eq!(judged(99, 1, 0, 0), (1, 0), "a cent is missing");
        assert_eq!(judged(0, 0, 2, 0), (0, 1), "two orders");
        assert_eq!(judged(100, 1, 1, 0), (0, 1), "order and money");
    }
}
