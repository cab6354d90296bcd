//! What operators see and do, over gRPC.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails by panicking"
)]

mod support;

use bson::{DateTime, Document, doc};
use reen_chassis::client::PeerChannel;
use reen_error::Code;
use reen_proto::paging::v1::Keyset;
use reen_proto::sagas::v1::sagas_client::SagasClient;
use reen_proto::sagas::v1::{
    Alert, AlertKind, CompensateSagaRequest, GetSagaRequest, ListAlertsRequest, ListSagasRequest,
    RetrySagaRequest, Saga, SagaDetails, SagaStatus,
};
use reen_proto::time::to_millis;
use reen_testkit::{body, code, eventually, peer};
use serde_json::{Value, json};
use support::book::Fault;
use support::{World, checkout_id, session_event};

fn operators(world: &World) -> SagasClient<PeerChannel> {
    SagasClient::new(peer("reen", reen_events_handler::NAME, world.address()))
}

fn order_saga(checkout: &str) -> String {
    format!("order-completed:{checkout}")
}

async fn list(world: &World, asked: ListSagasRequest) -> Vec<Saga> {
    let asked = ListSagasRequest {
        limit: if asked.limit == 0 { 100 } else { asked.limit },
        ..asked
    };
    body(operators(world).list_sagas(asked).await).sagas
}

async fn show(world: &World, id: &str) -> SagaDetails {
    let id = id.to_owned();
    body(operators(world).get_saga(GetSagaRequest { id }).await)
}

async fn retry(world: &World, id: &str) -> Result<Saga, Code> {
    let id = id.to_owned();
    let retried = operators(world).retry_saga(RetrySagaRequest { id }).await;
    let refused = |status: tonic::Status| reen_error::Failure::from(status).code;
    retried.map(tonic::Response::into_inner).map_err(refused)
}

async fn compensate(world: &World, id: &str) -> Result<Saga, Code> {
    let asked = CompensateSagaRequest {
        id: id.to_owned(),
        reason: "the buyer asked for it".to_owned(),
    };
    let turned = operators(world).compensate_saga(asked).await;
    let refused = |status: tonic::Status| reen_error::Failure::from(status).code;
    turned.map(tonic::Response::into_inner).map_err(refused)
}

async fn alerts(world: &World) -> Vec<Alert> {
    body(operators(world).list_alerts(ListAlertsRequest {}).await).alerts
}

async fn expire(world: &World) -> String {
    let checkout = checkout_id();
    let session = json!({"id": "cs_1", "metadata": {"checkout_id": checkout}});
    let event_id = format!("evt_{checkout}");
    let event = session_event(&event_id, "checkout.session.expired", &session);
    world
        .publish(&event_id, "checkout.session.expired", &event)
        .await;
    world.saga_in("checkout-expired", &checkout, "done").await;
    checkout
}

/// A paid checkout whose saga waits for its next try, `method` having failed; answers the saga's id.
async fn waiting(world: &World, method: &'static str, failures: usize) -> String {
    let checkout = checkout_id();
    let faults = vec![Fault::Refuses(Code::Unavailable); failures];
    world.book.fail(method, faults);
    world.pay(&checkout, 1).await;
    let id = order_saga(&checkout);
    let waits = doc! {"_id": &id, "attempts": {"$gt": 0}, "leaseUntil": {"$lt": DateTime::now()}};
    eventually("the saga to wait", async || {
        world.sagas.find_one(waits.clone()).await.unwrap()
    })
    .await;
    id
}

/// The same, tried often enough: to get there by failing would take an hour.
async fn stuck(world: &World, method: &'static str, failures: usize) -> String {
    let id = waiting(world, method, failures).await;
    let waits = doc! {"_id": &id, "leaseUntil": DateTime::from_millis(0)};
    let stuck = doc! {"$set": {"status": "stuck", "stuckIn": "running", "attempts": 20_i64}};
    eventually("the saga to be stuck", async || {
        let set = world.sagas.update_one(waits.clone(), stuck.clone()).await;
        (set.unwrap().matched_count == 1).then_some(())
    })
    .await;
    id
}

fn key_of(id: &str) -> &str {
    id.split_once(':').unwrap().1
}

async fn outbox_is_empty(world: &World) {
    let outbox = world.database().await.collection::<Document>("outbox");
    eventually("the outbox to be empty", async || {
        let left = outbox.count_documents(doc! {}).await.unwrap();
        (left == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sagas_are_listed_and_found_by_what_they_are() {
    let world = World::start().await;
    let expired = format!("checkout-expired:{}", expire(&world).await);
    let paid = checkout_id();
    world.pay(&paid, 1).await;
    world.order_saga_in(&paid, "done").await;
    let stuck = stuck(&world, "create_order", 2).await;
    let paid = order_saga(&paid);

    let asked = ListSagasRequest::default;
    let ids = async |asked| -> Vec<String> {
        let found = list(&world, asked).await;
        found.into_iter().map(|saga| saga.id).collect()
    };
    assert_eq!(ids(asked()).await, [&*stuck, &paid, &expired]);
    let of_status = |status: SagaStatus| ListSagasRequest {
        status: status.into(),
        ..asked()
    };
    assert_eq!(ids(of_status(SagaStatus::Stuck)).await, [&*stuck]);
    assert_eq!(ids(of_status(SagaStatus::Done)).await, [&*paid, &expired]);
    let orders = ListSagasRequest {
        kind: "order-completed".to_owned(),
        ..of_status(SagaStatus::Done)
    };
    assert_eq!(ids(orders).await, [&*paid]);

    let first = list(
        &world,
        ListSagasRequest {
            limit: 1,
            ..asked()
        },
    )
    .await;
    let before = first[0].created_at;
    let next = ListSagasRequest { before, ..asked() };
    assert_eq!(ids(next).await, [&*paid, &expired]);

    let (mut read, mut after) = (Vec::new(), None);
    for _page in 0..2 {
        let page = ListSagasRequest {
            limit: 2,
            keyset: Some(Keyset { after }),
            ..asked()
        };
        let page = body(operators(&world).list_sagas(page).await);
        (read, after) = ([read, page.sagas].concat(), page.next);
    }
    let read: Vec<_> = read.into_iter().map(|saga| saga.id).collect();
    assert_eq!((read, after), (vec![stuck, paid, expired], None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_is_shown_with_everything_it_did() {
    let world = World::start().await;
    let id = stuck(&world, "create_order", 2).await;
    let shown = show(&world, &id).await;
    let saga = shown.saga.unwrap();
    assert_eq!(
        (saga.kind.as_str(), &*saga.key),
        ("order-completed", key_of(&id))
    );
    assert_eq!(saga.status(), SagaStatus::Stuck);
    assert_eq!(saga.stuck_in(), SagaStatus::Running);
    assert_eq!((saga.step.as_str(), saga.attempts), ("create-order", 20));
    assert!(
        saga.last_failure.starts_with("create-order: unavailable: "),
        "{}",
        saga.last_failure
    );
    let owed = ["record-payment", "commit-hold", "post-sale", "create-order"];
    assert_eq!(shown.owed, owed);
    let state: Value = serde_json::from_str(&shown.state_json).unwrap();
    assert_eq!(state["checkout_id"], key_of(&id));
    assert_eq!(state["amount_cents"], support::TOTAL_CENTS);
    let failed = shown
        .log
        .iter()
        .find(|entry| entry.outcome == "unavailable");
    let failed = failed.unwrap();
    assert_eq!((&*failed.step, &*failed.entry), ("create-order", "acted"));
    assert!(to_millis(&failed.at.unwrap()) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_saga_goes_on_when_an_operator_says_so() {
    let world = World::start().await;
    let id = stuck(&world, "create_order", 1).await;
    let before = show(&world, &id).await.saga.unwrap();
    let retried = retry(&world, &id).await.unwrap();
    assert_eq!(retried.status(), SagaStatus::Running);
    assert_eq!(retried.stuck_in(), SagaStatus::Unspecified);
    assert_eq!(retried.attempts, 0);
    assert!(retried.epoch > before.epoch);
    let saga = world.order_saga_in(key_of(&id), "done").await;
    assert!(!saga.contains_key("stuckIn"));
    assert_eq!(world.book.calls_of("complete_checkout"), 1);
    assert!(world.stripe.refunds().await.is_empty());
    outbox_is_empty(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_that_has_ended_is_left_alone() {
    let world = World::start().await;
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;
    world.order_saga_in(&checkout, "done").await;
    let before = show(&world, &order_saga(&checkout)).await;
    let id = order_saga(&checkout);
    assert_eq!(retry(&world, &id).await, Err(Code::IllegalTransition));
    assert_eq!(compensate(&world, &id).await, Err(Code::IllegalTransition));
    assert_eq!(show(&world, &id).await, before);
    outbox_is_empty(&world).await;
    let unknown = order_saga(&checkout_id());
    assert_eq!(retry(&world, &unknown).await, Err(Code::NotFound));
    assert_eq!(compensate(&world, &unknown).await, Err(Code::NotFound));
}

async fn is_undone_once(world: &World, id: &str) {
    let saga = world.order_saga_in(key_of(id), "compensated").await;
    assert!(saga.get_array("owed").unwrap().is_empty());
    let refusal = saga.get_document("refusal").unwrap();
    assert_eq!(refusal.get_str("step").unwrap(), "operator");
    assert_eq!(
        refusal.get_str("message").unwrap(),
        "the buyer asked for it"
    );
    assert_eq!(world.stripe.refunds().await.len(), 1);
    assert_eq!(world.letters_to("buyer@reen.example").len(), 1);
    assert_eq!(world.book.calls_of("complete_checkout"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_that_waits_is_turned_around() {
    let world = World::start().await;
    let id = waiting(&world, "take_out_bought", 30).await;
    let before = show(&world, &id).await.saga.unwrap();
    let turned = compensate(&world, &id).await.unwrap();
    assert_eq!(turned.status(), SagaStatus::Compensating);
    assert!(turned.epoch > before.epoch);
    is_undone_once(&world, &id).await;
    assert_eq!(compensate(&world, &id).await, Err(Code::IllegalTransition));
    let effects = world.book.effects();
    for undone in [
        "put_back",
        "forget_purchase",
        "withdraw_order",
        "reverse_sale",
    ] {
        assert!(
            effects.iter().any(|effect| effect == undone),
            "{undone}: {effects:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_saga_is_turned_around() {
    let world = World::start().await;
    let id = stuck(&world, "create_order", 30).await;
    compensate(&world, &id).await.unwrap();
    is_undone_once(&world, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_in_work_is_turned_around_under_its_runner() {
    let world = World::start().await;
    let checkout = checkout_id();
    // The runner waits for an answer that does not come.
    world.book.fail("take_out_bought", [Fault::KilledAfter]);
    world.pay(&checkout, 1).await;
    world.book.killing().await;
    let id = order_saga(&checkout);
    compensate(&world, &id).await.unwrap();
    is_undone_once(&world, &id).await;
    let effects = world.book.effects();
    for undone in ["put_back", "withdraw_order"] {
        let times = effects.iter().filter(|effect| *effect == undone).count();
        assert_eq!(times, 1, "{undone}: {effects:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_turns_an_order_around_that_may_be_complete() {
    let world = World::start().await;
    let id = waiting(&world, "complete_checkout", 2).await;
    assert_eq!(compensate(&world, &id).await, Err(Code::IllegalTransition));
    retry(&world, &id).await.unwrap();
    world.order_saga_in(key_of(&id), "done").await;
    assert!(world.stripe.refunds().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_goes_on_is_not_turned_around_again() {
    let world = World::start().await;
    let refused = [Fault::Refuses(Code::ValidationFailed)];
    world.book.fail("create_order", refused);
    let id = waiting(&world, "withdraw_order", 2).await;
    assert_eq!(compensate(&world, &id).await, Err(Code::IllegalTransition));
    assert_eq!(show(&world, &id).await.saga.unwrap().step, "create-order");
    assert_eq!(
        retry(&world, &id).await.unwrap().status(),
        SagaStatus::Compensating
    );
    world.order_saga_in(key_of(&id), "compensated").await;
    assert_eq!(world.stripe.refunds().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_saga_is_an_alert_until_it_goes_on() {
    let world = World::start().await;
    assert!(alerts(&world).await.is_empty(), "all is well");
    let id = stuck(&world, "create_order", 1).await;
    let [alert] = &alerts(&world).await[..] else {
        panic!("not one alert");
    };
    assert_eq!(alert.kind(), AlertKind::SagaStuck);
    assert_eq!(alert.subject, id);
    assert_eq!(alert.hint, format!("reen saga show {id}"));
    assert!(alert.since.is_some());
    retry(&world, &id).await.unwrap();
    world.order_saga_in(key_of(&id), "done").await;
    assert!(alerts(&world).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_operators_ask_of_the_database_has_an_index() {
    let world = World::start().await;
    expire(&world).await;
    let database = world.database().await;
    let before = doc! {"$lt": DateTime::now()};
    for filter in [
        doc! {},
        doc! {"createdAt": &before},
        doc! {"status": "stuck"},
        doc! {"status": "stuck", "createdAt": &before},
        doc! {"kind": "order-completed"},
        doc! {"kind": "order-completed", "createdAt": &before},
        doc! {"status": "stuck", "kind": "order-completed", "createdAt": &before},
        doc! {"$or": [
            {"$and": [{"status": "stuck"}, {"createdAt": &before}]},
            {"$and": [{"status": "stuck"}, {"createdAt": DateTime::now(), "_id": {"$lt": "a"}}]},
        ]},
    ] {
        let latest_first = doc! {"createdAt": -1, "_id": -1};
        reen_testkit::assert_uses_index(&database, "sagas", filter, latest_first).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_saga_is_refused() {
    let world = World::start().await;
    let mut client = operators(&world);
    for limit in [-1, 0, 1_001] {
        let asked = ListSagasRequest {
            limit,
            ..ListSagasRequest::default()
        };
        let refused = client.list_sagas(asked).await;
        assert_eq!(code(refused), Code::ValidationFailed, "{limit}");
    }
    let asked = ListSagasRequest {
        status: 99,
        limit: 1,
        ..ListSagasRequest::default()
    };
    let refused = client.list_sagas(asked).await;
    assert_eq!(code(refused), Code::ValidationFailed);
    for id in [String::new(), "a".repeat(201)] {
        let refused = client.get_saga(GetSagaRequest { id }).await;
        assert_eq!(code(refused), Code::ValidationFailed);
    }
    let asked = CompensateSagaRequest {
        id: order_saga(&checkout_id()),
        reason: "x".repeat(501),
    };
    let refused = client.compensate_saga(asked).await;
    assert_eq!(code(refused), Code::ValidationFailed);
}
