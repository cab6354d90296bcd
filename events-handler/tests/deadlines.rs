//! What is past its deadline is measured. In a binary of its own: a process has one set of gauges.

mod support;

use std::collections::BTreeMap;

use bson::{DateTime, Document, doc};
use reen_chassis::telemetry::{self, LogFormat};
use reen_proto::checkout::v1::{Status, UnsettledCheckout};
use reen_testkit::eventually;
use support::{World, checkout_id};

const MINUTE: i64 = 60_000;
const GAUGES: [&str; 4] = [
    "reen_paid_without_order",
    "reen_refunds_owed",
    "reen_sagas_stuck",
    "reen_sagas_late",
];

fn minutes_ago(minutes: i64) -> DateTime {
    DateTime::from_millis(DateTime::now().timestamp_millis() - minutes * MINUTE)
}

/// A saga that began so many minutes ago, and whose runner is at it.
fn saga(kind: &str, minutes: i64, status: &str, state: Document) -> Document {
    let key = checkout_id();
    let never = DateTime::from_millis(DateTime::now().timestamp_millis() + 60 * MINUTE);
    doc! {
        "_id": format!("{kind}:{key}"), "kind": kind, "key": key, "version": 1, "status": status,
        "epoch": 1_i64, "leaseUntil": never, "step": 0, "state": state, "owed": [],
        "attempts": 0_i64, "dueAt": never, "log": [],
        "createdAt": minutes_ago(minutes), "updatedAt": minutes_ago(minutes),
    }
}

/// One saga for each deadline that is over, and for each that is not.
fn sagas() -> Vec<Document> {
    let order = "order-completed";
    let nothing = || doc! {"order_id": null, "refund_id": null};
    let mut stuck = saga(order, 1, "stuck", doc! {"order_id": "o_1"});
    stuck.insert("stuckIn", "running");
    let mut stuck_before_its_order = saga(order, 8, "stuck", nothing());
    stuck_before_its_order.insert("stuckIn", "running");
    vec![
        saga(order, 4, "running", nothing()),
        saga(order, 6, "running", nothing()),
        saga(order, 14, "running", doc! {"order_id": "o_1"}),
        saga(order, 9, "compensating", nothing()),
        saga(order, 11, "compensating", nothing()),
        saga(order, 12, "compensating", doc! {"refund_id": "re_1"}),
        saga("refund-requested", 9, "running", doc! {"order_id": "o_1"}),
        saga("refund-requested", 11, "running", doc! {"order_id": "o_1"}),
        stuck,
        stuck_before_its_order,
        saga("checkout-expired", 14, "running", doc! {}),
        saga("checkout-expired", 16, "running", doc! {}),
        saga(order, 99, "done", nothing()),
    ]
}

fn paid_without_a_saga() -> UnsettledCheckout {
    UnsettledCheckout {
        checkout_id: checkout_id(),
        status: Status::Paid.into(),
        stripe_session_id: String::new(),
        since: None,
    }
}

/// The gauges, by their names.
async fn measured(world: &World) -> BTreeMap<String, String> {
    let metrics = world.metrics().await;
    let lines = metrics.lines().filter_map(|line| line.rsplit_once(' '));
    lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

async fn gauges_reach(world: &World, expected: [&str; 4]) {
    eventually(&format!("the gauges to be {expected:?}"), async || {
        let measured = measured(world).await;
        let values = GAUGES.map(|name| measured.get(name).map_or("", String::as_str));
        (values == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_its_deadline_is_counted_until_it_is_settled() {
    telemetry::init(LogFormat::Json, "off");
    let mut world = World::without_app().await;
    let every = ("RECONCILE_EVERY_SECONDS".to_owned(), "1".to_owned());
    world.settings.extend([every]);
    world.start_app().await;
    gauges_reach(&world, ["0", "0", "0", "0"]).await;

    world.sagas.insert_many(sagas()).await.unwrap();
    world.book.leave_unsettled([paid_without_a_saga()]);
    gauges_reach(&world, ["3", "2", "2", "1"]).await;
    let oldest = measured(&world).await["reen_saga_oldest_unsettled_seconds"].clone();
    let oldest: f64 = oldest.parse().unwrap();
    assert!((960.0..1_080.0).contains(&oldest), "{oldest}");

    let settled = doc! {"$set": {"status": "done"}};
    world.sagas.update_many(doc! {}, settled).await.unwrap();
    gauges_reach(&world, ["1", "0", "0", "0"]).await;
}
