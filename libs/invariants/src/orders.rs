//! From the other side: what has no checkout that explains it, and what was done twice.

use std::collections::HashMap;

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use reen_mongo::{Database, Error};

use crate::documents::{by_field, id_in, in_batches, number, parts, text};
use crate::payments::sale_of;
use crate::{Databases, Invariant, Mesh, Report};

pub(crate) async fn check(
    databases: &Databases,
    mesh: Mesh,
    report: &mut Report,
) -> Result<(), Error> {
    in_batches(&databases.orders, "orders", doc! {}, async |batch| {
        report.orders += u64::try_from(batch.len()).unwrap_or_default();
        for order in &batch {
            refunds(order, report);
        }
        let ids = batch.iter().map(|order| id_in(order, "checkoutId"));
        let what = "there is an order of it, but no such checkout";
        strangers(
            &databases.checkout,
            ids.collect(),
            Invariant::Payments,
            what,
            report,
        )
        .await
    })
    .await?;
    if mesh == Mesh::Quiet {
        // At work the order comes after its sale and its stock.
        sales(databases, report).await?;
        holds(databases, report).await?;
    }
    Ok(())
}

/// No more is given back than was paid, each refund once.
fn refunds(order: &Document, report: &mut Report) {
    let id = id_in(order, "_id");
    let total = number(order, "totalCents");
    let given: Vec<(&str, i64)> = parts(order, "refunds")
        .filter(|refund| text(refund, "status") == "done")
        .map(|refund| (text(refund, "id"), number(refund, "amountCents")))
        .collect();
    let sum: i64 = given.iter().map(|(_, amount)| amount).sum();
    if sum > total {
        let what = format!("{sum} cents were given back of {total}");
        report.add(Invariant::Once, &id, what);
    }
    if sum != number(order, "refundedCents") {
        let what = format!(
            "its refunds sum to {sum}, but it says {}",
            number(order, "refundedCents")
        );
        report.add(Invariant::Once, &id, what);
    }
    let mut ids: Vec<_> = given.iter().map(|(refund, _)| refund).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        report.add(Invariant::Once, &id, "a refund is in it twice");
    }
}

/// Sales in force have an order.
async fn sales(databases: &Databases, report: &mut Report) -> Result<(), Error> {
    let in_force = doc! {"kind": "sale", "reversed": false, "void": false};
    in_batches(&databases.auth, "postings", in_force, async |batch| {
        let postings = batch.iter().map(|sale| id_in(sale, "_id"));
        let ids: Vec<String> = postings.filter_map(|id| checkout_of_sale(&id)).collect();
        let what = "its sale is posted, but there is no order";
        without_order(databases, ids, Invariant::Ledger, what, report).await
    })
    .await
}

/// Stock that is sold has an order.
async fn holds(databases: &Databases, report: &mut Report) -> Result<(), Error> {
    in_batches(
        &databases.products,
        "holds",
        doc! {"state": "sold"},
        async |batch| {
            let holds = batch.iter().map(|hold| id_in(hold, "_id"));
            let ids = holds.map(|id| id.trim_end_matches("/late").to_owned());
            let what = "its stock is sold, but there is no order";
            without_order(databases, ids.collect(), Invariant::Stock, what, report).await
        },
    )
    .await
}

async fn without_order(
    databases: &Databases,
    checkouts: Vec<String>,
    invariant: Invariant,
    what: &str,
    report: &mut Report,
) -> Result<(), Error> {
    let ids = checkouts.iter().cloned().map(Bson::from).collect();
    let orders: HashMap<_, _> = by_field(&databases.orders, "orders", "checkoutId", ids).await?;
    for checkout in checkouts.iter().filter(|id| !orders.contains_key(*id)) {
        report.add(invariant, checkout, what);
    }
    Ok(())
}

async fn strangers(
    checkouts: &Database,
    ids: Vec<String>,
    invariant: Invariant,
    what: &str,
    report: &mut Report,
) -> Result<(), Error> {
    let known: Vec<Bson> = ids
        .iter()
        .filter_map(|id| ObjectId::parse_str(id).ok())
        .map(Bson::from)
        .collect();
    let known = by_field(checkouts, "checkouts", "_id", known).await?;
    for id in ids.iter().filter(|id| !known.contains_key(*id)) {
        report.add(invariant, id, what);
    }
    Ok(())
}

/// The checkout whose sale a posting is; another kind of sale has none.
fn checkout_of_sale(posting: &str) -> Option<String> {
    let checkout = posting
        .strip_prefix("order-completed:")?
        .strip_suffix("/post-sale")?;
    debug_assert_eq!(sale_of(checkout), posting);
    Some(checkout.to_owned())
}
