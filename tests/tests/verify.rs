//! The checker finds what is wrong and names it, and finds nothing in a mesh that is right.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a helper of a test fails by panicking"
)]

mod damage;

use std::pin::pin;
use std::time::Duration;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::future;
use reen_invariants::{Databases, Finding, Invariant, Terms};
use reen_tests::{Mesh, Scene, assert_invariants, databases, report};
use serde_json::{Value, json};

use damage::change;

/// Refused by the checker however long it waits.
const LONG_AGO: DateTime = DateTime::from_millis(0);

/// A mesh with an order, an expired checkout, a refunded payment and an open checkout.
async fn lived_in() -> Scene {
    // No sweeper mends what a test breaks.
    let mesh = Mesh::start_with(&[("PRODUCTS_SWEEP_SECONDS", "3600")]).await;
    let scene = Scene::on(mesh, "10", 5).await;
    let databases = databases(&scene.mesh).await;
    let buyer = &scene.buyer;
    buyer.buy(&scene.product, 2).await;
    let expired = buyer.check_out(&scene.product, 1).await;
    buyer.expire_session(&expired).await.ok();
    buyer.checkout_in(&expired, "expired").await;
    let disputed = buyer.open_checkout().await.ok();
    // A cent more than Stripe was asked to collect.
    let dearer = doc! {"$inc": {"totalCents": 1_i64, "lines.0.unitPriceCents": 1_i64}};
    change(&databases, "CHECKOUT", "checkouts", this(&disputed), dearer).await;
    buyer.pay(&disputed).await.ok();
    buyer.checkout_in(&disputed, "refunded").await;
    buyer.open_checkout().await.ok();
    assert_invariants(&scene.mesh).await;
    scene
}

fn this(checkout: &Value) -> Document {
    let id = checkout["checkoutId"].as_str().unwrap();
    doc! {"_id": ObjectId::parse_str(id).unwrap()}
}

#[track_caller]
fn assert_says(findings: &[Finding], invariant: Invariant, says: &str) {
    let is_it = |it: &Finding| it.invariant == invariant && it.to_string().contains(says);
    assert!(
        findings.iter().any(is_it),
        "{says:?} is not in {findings:#?}"
    );
}

async fn quiet(databases: &Databases) -> Vec<Finding> {
    report(databases, Terms::quiet()).await.findings
}

async fn at_work(databases: &Databases) -> Vec<Finding> {
    report(databases, Terms::at_work()).await.findings
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_damage_is_found_and_named() {
    let scene = lived_in().await;
    let databases = databases(&scene.mesh).await;
    for damage in damage::all() {
        let undo = damage.do_to(&databases).await;
        let found = quiet(&databases).await;
        assert_says(&found, damage.invariant, damage.says);
        undo.undo().await;
    }
    assert_invariants(&scene.mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_order_of_a_payment_is_found() {
    let scene = Scene::with("10", 5).await;
    let first = scene.buyer.buy(&scene.product, 1).await;
    let databases = databases(&scene.mesh).await;
    let orders = databases.orders.collection::<Document>("orders");
    // The index that makes it impossible.
    orders.drop_index("checkoutId_1").await.unwrap();
    let mut second = orders.find_one(doc! {}).await.unwrap().unwrap();
    second.insert("_id", ObjectId::new());
    orders.insert_one(second).await.unwrap();
    let found = quiet(&databases).await;
    assert_says(&found, Invariant::OneEnd, "has the orders ");
    assert_says(&found, Invariant::OneEnd, first["id"].as_str().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_that_was_sold_twice_is_found() {
    let scene = Scene::with("10", 5).await;
    scene.buyer.buy(&scene.product, 1).await;
    let databases = databases(&scene.mesh).await;
    let holds = databases.products.collection::<Document>("holds");
    let mut late = holds.find_one(doc! {}).await.unwrap().unwrap();
    let first = late.get_str("_id").unwrap().to_owned();
    late.insert("_id", format!("{first}/late"));
    holds.insert_one(late).await.unwrap();
    let found = quiet(&databases).await;
    assert_says(&found, Invariant::Stock, "its stock was sold twice");
    assert_says(
        &found,
        Invariant::Stock,
        "counts 1 pieces sold, its holds 2",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_is_held_without_reason_only_until_the_sweeper_must_have_come() {
    let scene = Scene::with("10", 5).await;
    let checkout = scene.buyer.check_out(&scene.product, 1).await;
    let closed = |updated_at| doc! {"$set": {"state": "canceled", "updatedAt": updated_at}};
    let now = DateTime::now();
    let mesh = &databases(&scene.mesh).await;
    change(mesh, "CHECKOUT", "checkouts", this(&checkout), closed(now)).await;
    assert_eq!(quiet(mesh).await, []);
    change(
        mesh,
        "CHECKOUT",
        "checkouts",
        this(&checkout),
        closed(LONG_AGO),
    )
    .await;
    assert_says(&at_work(mesh).await, Invariant::Stock, "still holds stock");
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_is_held_without_a_checkout_only_until_its_time_has_passed() {
    let scene = Scene::with("10", 5).await;
    let checkout = scene.buyer.check_out(&scene.product, 1).await;
    let mesh = &databases(&scene.mesh).await;
    let checkouts = mesh.checkout.collection::<Document>("checkouts");
    checkouts.delete_one(this(&checkout)).await.unwrap();
    assert_eq!(quiet(mesh).await, []);
    let expired = doc! {"$set": {"expiresAt": LONG_AGO}};
    change(mesh, "PRODUCTS", "holds", doc! {}, expired).await;
    let found = at_work(mesh).await;
    assert_says(
        &found,
        Invariant::Stock,
        "is held past its time, and of no checkout",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_on_its_way_is_no_finding_until_its_saga_is_late() {
    let scene = lived_in().await;
    let mesh = &databases(&scene.mesh).await;
    let payment = doc! {"kind": "order-completed", "status": "done"};
    // Of a runner that nobody sees, so that no other takes it over.
    let begun = |at: DateTime| {
        let far = DateTime::now().saturating_add_duration(Duration::from_secs(3_600));
        doc! {"$set": {"status": "running", "createdAt": at, "leaseUntil": far, "dueAt": far}}
    };
    let completed = doc! {"state": "completed"};
    let paid = doc! {"$set": {"state": "paid"}};
    change(mesh, "CHECKOUT", "checkouts", completed, paid).await;
    let found = at_work(mesh).await;
    assert_says(&found, Invariant::OneEnd, "is paid and not completed");

    change(mesh, "EVENTS", "sagas", payment, begun(DateTime::now())).await;
    assert_eq!(at_work(mesh).await, []);
    assert_says(&quiet(mesh).await, Invariant::OneEnd, "is running");

    let running = doc! {"status": "running"};
    change(mesh, "EVENTS", "sagas", running.clone(), begun(LONG_AGO)).await;
    assert_says(&at_work(mesh).await, Invariant::OneEnd, "is running");

    let stuck = doc! {"$set": {"status": "stuck", "createdAt": DateTime::now()}};
    change(mesh, "EVENTS", "sagas", running, stuck).await;
    assert_says(&at_work(mesh).await, Invariant::OneEnd, "is stuck");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_findings_than_are_kept_are_counted() {
    let mesh = Mesh::start().await;
    let databases = databases(&mesh).await;
    let postings = databases.auth.collection::<Document>("postings");
    let crooked = |number: i32| {
        let leg = doc! {"account": "house:fees", "amountCents": 1_i64};
        let id = format!("crooked-{number}");
        doc! {"_id": id, "kind": "seller_upgrade", "legs": [leg], "reversed": false, "void": false}
    };
    postings.insert_many((0..1_200).map(crooked)).await.unwrap();
    let report = report(&databases, Terms::quiet()).await;
    assert_eq!((report.findings.len(), report.left_off), (1_000, 200));
    assert!(!report.is_clean());
    assert!(report.counted.contains(&("postings", 1_200)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mesh_at_work_raises_no_false_alarm() {
    const BUYERS: usize = 6;
    let mesh = Mesh::start().await;
    let seller = mesh.seller().await;
    let product = seller.list_product("10", 100).await;
    let buyers = future::join_all((0..BUYERS).map(async |_| mesh.buyer().await)).await;
    let buying = buyers.iter().map(async |buyer| {
        for _ in 0..5 {
            buyer.buy(&product, 1).await;
            let canceled = buyer.check_out(&product, 1).await;
            let id = canceled["checkoutId"].as_str().unwrap();
            let path = format!("/checkout/{id}/cancel");
            buyer.post(&path, json!({})).await.ok();
        }
    });
    let mut buying = pin!(future::join_all(buying));
    let databases = databases(&mesh).await;
    let mut checks = 0;
    loop {
        tokio::select! {
            _ = &mut buying => break,
            found = at_work(&databases) => assert_eq!(found, []),
        }
        checks += 1;
    }
    assert!(checks > 0, "it was over before anything was checked");
    assert_invariants(&mesh).await;
}
