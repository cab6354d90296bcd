//! The checker finds what is off, names it, and finds nothing in a mesh that is right.

use std::pin::pin;

use bson::oid::ObjectId;
use bson::{Document, doc};
use futures::future;
use reen_invariants::{Invariant, Mesh as State};
use reen_tests::{Mesh, Scene, assert_invariants, report};

/// One thing that is done to a database behind the services' backs.
struct Damage {
    database: &'static str,
    collection: &'static str,
    filter: Document,
    update: Document,
    /// What has to be found.
    invariant: Invariant,
    says: &'static str,
}

const fn damage(
    at: (&'static str, &'static str),
    filter: Document,
    update: Document,
    finds: (Invariant, &'static str),
) -> Damage {
    Damage {
        database: at.0,
        collection: at.1,
        filter,
        update,
        invariant: finds.0,
        says: finds.1,
    }
}

fn damages() -> Vec<Damage> {
    use Invariant::{Ledger, Once, Payments, Stock};
    let any = Document::new;
    let sale = || doc! {"kind": "sale"};
    vec![
        damage(
            ("CHECKOUT", "checkouts"),
            any(),
            doc! {"$set": {"state": "paid"}},
            (Payments, "neither come to an order nor to a refund"),
        ),
        damage(
            ("CHECKOUT", "checkouts"),
            any(),
            doc! {"$set": {"state": "refunded"}},
            (Payments, "it is refunded and has 1 orders"),
        ),
        damage(
            ("CHECKOUT", "checkouts"),
            any(),
            doc! {"$inc": {"totalCents": 1_i64}},
            (Payments, "cents were paid, but the order is of"),
        ),
        damage(
            ("ORDERS", "orders"),
            any(),
            doc! {"$set": {"checkoutId": ObjectId::new().to_hex()}},
            (Payments, "there is an order of it, but no such checkout"),
        ),
        damage(
            ("ORDERS", "orders"),
            any(),
            doc! {"$set": {"refundedCents": 1_i64}},
            (Once, "its refunds sum to 0, but it says 1"),
        ),
        damage(
            ("PRODUCTS", "holds"),
            doc! {"state": "sold"},
            doc! {"$set": {"state": "returned"}},
            (Stock, "sold, but its holds say 0"),
        ),
        damage(
            ("AUTH", "postings"),
            sale(),
            doc! {"$inc": {"legs.0.amountCents": 1_i64}},
            (Ledger, "the legs of this posting sum to 1"),
        ),
        damage(
            ("AUTH", "postings"),
            sale(),
            doc! {"$set": {"reversed": true}},
            (Payments, "it has an order, but no sale is posted"),
        ),
        damage(
            ("AUTH", "users"),
            doc! {"role": "BUYER"},
            doc! {"$inc": {"amountSpentCents": 5_i64}},
            (Ledger, "amountSpentCents is"),
        ),
        damage(
            ("EVENTS", "sagas"),
            any(),
            doc! {"$set": {"status": "stuck"}},
            (Payments, "this saga is stuck"),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_damage_is_found_and_named() {
    let scene = Scene::with("10", 5).await;
    scene.buyer.buy(&scene.product, 2).await;
    assert_invariants(&scene.mesh).await;
    for damage in damages() {
        let collection = scene.mesh.database(damage.database).await;
        let collection = collection.collection::<Document>(damage.collection);
        let before = collection
            .find_one(damage.filter.clone())
            .await
            .unwrap()
            .unwrap();
        let this = doc! {"_id": before.get("_id").unwrap()};
        collection
            .update_one(this.clone(), damage.update.clone())
            .await
            .unwrap();
        let found = report(&scene.mesh, State::Quiet).await.findings;
        let is_found = found.iter().any(|finding| {
            finding.invariant == damage.invariant && finding.what.contains(damage.says)
        });
        assert!(is_found, "{:?} is not found: {found:#?}", damage.says);
        collection.replace_one(this, before).await.unwrap();
    }
    assert_invariants(&scene.mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mesh_at_work_raises_no_false_alarm() {
    let mesh = Mesh::start().await;
    let seller = mesh.seller().await;
    let product = seller.list_product("10", 100).await;
    let buyers = future::join_all((0..4).map(async |_| mesh.buyer().await)).await;
    let buying = buyers.iter().map(async |buyer| {
        for _ in 0..4 {
            buyer.buy(&product, 1).await;
        }
    });
    let mut buying = pin!(future::join_all(buying));
    loop {
        tokio::select! {
            _ = &mut buying => break,
            report = report(&mesh, State::AtWork) => {
                assert!(report.findings.is_empty(), "{:#?}", report.findings);
            }
        }
    }
    assert_invariants(&mesh).await;
}
