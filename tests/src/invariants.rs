//! The checker: what must hold over all databases once the mesh is quiet.

use std::collections::{BTreeMap, BTreeSet};

use bson::{Bson, Document, doc};
use futures::TryStreamExt as _;
use reen_mongo::Database;

use crate::Mesh;

/// Checks money, stock and orders over the mesh's databases.
///
/// # Panics
/// When one does not hold; the message names it.
pub async fn assert_invariants(mesh: &Mesh) {
    let mut broken = Vec::new();
    every_payment_has_one_end(mesh, &mut broken).await;
    stock_adds_up(mesh, &mut broken).await;
    ledger_adds_up(mesh, &mut broken).await;
    assert!(broken.is_empty(), "{broken:#?}");
}

/// A paid checkout has exactly one order or a refund, never both.
async fn every_payment_has_one_end(mesh: &Mesh, broken: &mut Vec<String>) {
    let orders = all(&mesh.database("ORDERS").await, "orders").await;
    let mut orders_of: BTreeMap<String, usize> = BTreeMap::new();
    for order in &orders {
        let checkout = id_in(order, "checkoutId");
        *orders_of.entry(checkout).or_default() += 1;
    }
    for checkout in all(&mesh.database("CHECKOUT").await, "checkouts").await {
        let id = id_in(&checkout, "_id");
        let orders = orders_of.remove(&id).unwrap_or_default();
        let state = checkout.get_str("state").unwrap_or_default();
        let expected = usize::from(state == "completed");
        if orders != expected || state == "paid" {
            broken.push(format!("checkout {id} is {state} and has {orders} orders"));
        }
    }
    broken.extend(
        orders_of
            .keys()
            .map(|id| format!("an order of {id}, which is no checkout")),
    );
}

/// available + held + sold = stocked, none negative, and sold is what the orders say.
async fn stock_adds_up(mesh: &Mesh, broken: &mut Vec<String>) {
    let mut sold: BTreeMap<String, i64> = BTreeMap::new();
    for order in all(&mesh.database("ORDERS").await, "orders").await {
        for line in order.get_array("lines").expect("lines") {
            let line = line.as_document().expect("a line");
            *sold.entry(id_in(line, "productId")).or_default() +=
                line.get_i64("quantity").expect("a quantity");
        }
    }
    for product in all(&mesh.database("PRODUCTS").await, "products").await {
        let id = id_in(&product, "_id");
        let count = |field: &str| product.get_i64(field).expect("a count");
        let (available, held) = (count("quantity"), count("held"));
        let adds_up = available + held + count("sold") == count("stocked");
        let ordered = sold.get(&id).copied().unwrap_or_default();
        if !adds_up || available < 0 || held < 0 || count("sold") != ordered {
            broken.push(format!("product {id}: {product}, ordered {ordered}"));
        }
    }
}

/// Every posting sums to zero, and every user has what the postings say.
async fn ledger_adds_up(mesh: &Mesh, broken: &mut Vec<String>) {
    let auth = mesh.database("AUTH").await;
    let mut balances: BTreeMap<String, i64> = BTreeMap::new();
    for posting in all(&auth, "postings").await {
        let mut sum = 0;
        for leg in posting.get_array("legs").expect("legs") {
            let leg = leg.as_document().expect("a leg");
            let amount = leg.get_i64("amountCents").expect("an amount");
            let account = leg.get_str("account").expect("an account").to_owned();
            *balances.entry(account).or_default() += amount;
            sum += amount;
        }
        if sum != 0 {
            broken.push(format!("posting {:?} sums to {sum}", posting.get("_id")));
        }
    }
    let mut seen = BTreeSet::new();
    for user in all(&auth, "users").await {
        let id = id_in(&user, "_id");
        let balance = user.get_i64("balanceCents").expect("a balance");
        let posted = balances
            .get(&format!("user:{id}"))
            .copied()
            .unwrap_or_default();
        if balance != posted || !seen.insert(id.clone()) {
            broken.push(format!(
                "user {id} has {balance}, the postings say {posted}"
            ));
        }
    }
}

/// An id as hex digits, however the service keeps it.
fn id_in(document: &Document, field: &str) -> String {
    match document.get(field) {
        Some(Bson::ObjectId(id)) => id.to_hex(),
        Some(Bson::String(id)) => id.clone(),
        other => format!("{field} is {other:?}"),
    }
}

async fn all(database: &Database, collection: &str) -> Vec<Document> {
    let found = database
        .collection::<Document>(collection)
        .find(doc! {})
        .await;
    found
        .expect("a cursor")
        .try_collect()
        .await
        .expect("documents")
}
