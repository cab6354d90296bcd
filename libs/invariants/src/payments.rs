//! Invariant 1: each checkout against its orders, its sale and its hold.

use std::collections::{HashMap, HashSet};

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use reen_mongo::Error;

use crate::documents::{by_field, flag, id_in, in_batches, number, parts, text};
use crate::{Databases, Finding, Invariant, Mesh, Report};

/// Sagas that somebody goes on with.
const UNSETTLED: [&str; 3] = ["running", "compensating", "closing"];

pub(crate) async fn check(
    databases: &Databases,
    mesh: Mesh,
    report: &mut Report,
) -> Result<(), Error> {
    let mut suspicious = Vec::new();
    in_batches(&databases.checkout, "checkouts", doc! {}, async |batch| {
        report.checkouts += u64::try_from(batch.len()).unwrap_or_default();
        suspicious.extend(findings_of(databases, &batch).await?);
        Ok(())
    })
    .await?;
    let kept = match mesh {
        Mesh::Quiet => suspicious,
        Mesh::AtWork => off_for_good(databases, suspicious).await?,
    };
    report.findings.extend(kept);
    if mesh == Mesh::Quiet {
        unsettled(databases, report).await?;
    }
    Ok(())
}

/// What is still off when it is looked at again, and no saga is at it.
async fn off_for_good(databases: &Databases, found: Vec<Finding>) -> Result<Vec<Finding>, Error> {
    let subjects: HashSet<&str> = found.iter().map(|finding| &*finding.subject).collect();
    let ids = subjects.iter().map(|id| Bson::from(saga_of(id))).collect();
    let sagas = by_field(&databases.events, "sagas", "_id", ids).await?;
    let is_at_work = |id: &str| {
        let saga = sagas.get(&saga_of(id)).and_then(|sagas| sagas.first());
        saga.is_some_and(|saga| UNSETTLED.contains(&text(saga, "status")))
    };
    let idle = subjects.into_iter().filter(|id| !is_at_work(id));
    let idle: Vec<Bson> = idle
        .filter_map(|id| ObjectId::parse_str(id).ok())
        .map(Bson::from)
        .collect();
    let mut kept = Vec::new();
    let again = doc! {"_id": {"$in": idle}};
    in_batches(&databases.checkout, "checkouts", again, async |batch| {
        kept.extend(findings_of(databases, &batch).await?);
        Ok(())
    })
    .await?;
    Ok(kept)
}

/// What the other services know of some checkouts.
struct Known {
    orders: HashMap<String, Vec<Document>>,
    sales: HashMap<String, Vec<Document>>,
    holds: HashMap<String, Vec<Document>>,
}

async fn findings_of(databases: &Databases, batch: &[Document]) -> Result<Vec<Finding>, Error> {
    let ids: Vec<String> = batch
        .iter()
        .map(|checkout| id_in(checkout, "_id"))
        .collect();
    let named = |name: fn(&str) -> String| ids.iter().map(|id| Bson::from(name(id))).collect();
    let mut holds: Vec<Bson> = named(str::to_owned);
    holds.extend(ids.iter().map(|id| Bson::from(late_hold_of(id))));
    let known = Known {
        orders: by_field(
            &databases.orders,
            "orders",
            "checkoutId",
            named(str::to_owned),
        )
        .await?,
        sales: by_field(&databases.auth, "postings", "_id", named(sale_of)).await?,
        holds: by_field(&databases.products, "holds", "_id", holds).await?,
    };
    let mut report = Report::default();
    for checkout in batch {
        judge(checkout, &known, &mut report);
    }
    Ok(report.findings)
}

fn judge(checkout: &Document, known: &Known, report: &mut Report) {
    let id = id_in(checkout, "_id");
    let state = text(checkout, "state");
    let orders = known.orders.get(&id).map_or(&[][..], Vec::as_slice);
    let sale = known
        .sales
        .get(&sale_of(&id))
        .and_then(|sales| sales.first());
    let sale = sale.filter(|sale| !flag(sale, "reversed") && !flag(sale, "void"));
    let sold = [id.clone(), late_hold_of(&id)].iter().any(|hold| {
        let hold = known.holds.get(hold).and_then(|holds| holds.first());
        hold.is_some_and(|hold| text(hold, "state") == "sold")
    });
    let mut off = |what: String| report.add(Invariant::Payments, &id, what);
    match (state, orders) {
        ("completed", [order]) => {
            compare(checkout, order, sale, &mut off);
            if !sold && !flag(order, "restocked") {
                off("it has an order, but its stock is not sold".to_owned());
            }
            return;
        }
        ("completed", _) => off(format!("it is completed and has {} orders", orders.len())),
        ("paid", _) => {
            off("it is paid, and has neither come to an order nor to a refund".to_owned())
        }
        (_, []) => {}
        _ => off(format!("it is {state} and has {} orders", orders.len())),
    }
    if state == "refunded" && text(checkout, "refundId").is_empty() {
        off("it is refunded without a refund".to_owned());
    }
    if state != "paid" && state != "completed" {
        if sale.is_some() {
            off(format!("it is {state}, but its sale is posted"));
        }
        if sold {
            off(format!("it is {state}, but its stock is sold"));
        }
    }
}

/// An order says what was paid for, and the ledger the same.
fn compare(
    checkout: &Document,
    order: &Document,
    sale: Option<&Document>,
    off: &mut impl FnMut(String),
) {
    let total = number(checkout, "totalCents");
    let ordered = number(order, "totalCents");
    if total != ordered {
        off(format!(
            "{total} cents were paid, but the order is of {ordered}"
        ));
    }
    let lines: i64 = parts(order, "lines")
        .map(|line| number(line, "unitPriceCents") * number(line, "quantity"))
        .sum();
    if lines != ordered {
        off(format!(
            "the order is of {ordered} cents, but its lines sum to {lines}"
        ));
    }
    if text(checkout, "orderId") != id_in(order, "_id") {
        off("it names another order".to_owned());
    }
    let Some(sale) = sale else {
        off("it has an order, but no sale is posted".to_owned());
        return;
    };
    let paid: i64 = parts(sale, "legs")
        .map(|leg| number(leg, "amountCents"))
        .filter(|amount| *amount > 0)
        .sum();
    // Who buys of themselves has one leg for both.
    let own: i64 = parts(order, "lines")
        .filter(|line| id_in(line, "sellerId") == id_in(order, "userId"))
        .map(|line| number(line, "unitPriceCents") * number(line, "quantity"))
        .sum();
    if paid != total && paid + own != total {
        off(format!(
            "{total} cents were paid, but the sale is of {paid}"
        ));
    }
}

/// In a quiet mesh nothing is on its way.
async fn unsettled(databases: &Databases, report: &mut Report) -> Result<(), Error> {
    let mut statuses = UNSETTLED.to_vec();
    statuses.push("stuck");
    let these = doc! {"status": {"$in": statuses}};
    in_batches(&databases.events, "sagas", these, async |batch| {
        for saga in &batch {
            let what = format!("this saga is {}", text(saga, "status"));
            report.add(Invariant::Payments, id_in(saga, "_id"), what);
        }
        Ok(())
    })
    .await
}

/// The saga that makes an order of a checkout.
fn saga_of(checkout: &str) -> String {
    format!("order-completed:{checkout}")
}

/// The posting of a checkout's sale.
pub(crate) fn sale_of(checkout: &str) -> String {
    format!("{}/post-sale", saga_of(checkout))
}

/// The hold that a payment made anew which came late.
pub(crate) fn late_hold_of(checkout: &str) -> String {
    format!("{checkout}/late")
}
