//! The dead letters as operators read them, put them back to work, or forget them; and who may.

mod support;

use bson::DateTime;
use reen_chassis::client::PeerChannel;
use reen_error::Code;
use reen_messaging::Message;
use reen_proto::events::v1::WebhookReceived;
use reen_proto::sagas::v1::sagas_client::SagasClient;
use reen_proto::sagas::v1::{
    AlertKind, CompensateSagaRequest, DeadLetter, DropDeadLettersRequest, GetSagaRequest,
    ListAlertsRequest, ListDeadLettersRequest, ListSagasRequest, ReplayDeadLettersRequest,
    RetrySagaRequest,
};
use reen_proto::time::to_millis;
use reen_testkit::{AccessTable, body, code, eventually, methods, peer};
use serde_json::{Value, json};
use support::{World, checkout_id, session_event};

const COMPLETED: &str = "checkout.session.completed";
const OPERATORS: &[&str] = &["gateway", "reen"];

fn operators(world: &World) -> SagasClient<PeerChannel> {
    SagasClient::new(peer("reen", reen_events_handler::NAME, world.address()))
}

/// What can be read and not worked on: it says nothing of an amount.
async fn publish_poison(world: &World, event_id: &str) {
    let session = json!({
        "id": "cs_1",
        "payment_status": "paid",
        "metadata": {"checkout_id": checkout_id()},
        "payment_intent": "pi_1",
    });
    let event = session_event(event_id, COMPLETED, &session);
    world.publish(event_id, COMPLETED, &event).await;
}

/// The letters, once there are so many.
async fn letters(world: &World, count: usize) -> Vec<DeadLetter> {
    eventually(&format!("{count} dead letters"), async || {
        let asked = ListDeadLettersRequest { limit: 100 };
        let found = body(operators(world).list_dead_letters(asked).await);
        (found.letters.len() == count).then_some(found.letters)
    })
    .await
}

async fn replay(world: &World, ids: &[&str], all: bool) -> Result<i64, Code> {
    let ids = ids.iter().map(|&id| id.to_owned()).collect();
    let asked = ReplayDeadLettersRequest { ids, all };
    let replayed = operators(world).replay_dead_letters(asked).await;
    replayed
        .map(|answer| answer.into_inner().replayed)
        .map_err(|status| reen_error::Failure::from(status).code)
}

async fn drop_letters(world: &World, ids: &[&str]) -> Result<i64, Code> {
    let ids = ids.iter().map(|&id| id.to_owned()).collect();
    let dropped = operators(world)
        .drop_dead_letters(DropDeadLettersRequest { ids })
        .await;
    dropped
        .map(|answer| answer.into_inner().dropped)
        .map_err(|status| reen_error::Failure::from(status).code)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_says_what_it_is_about() {
    let before = DateTime::now().timestamp_millis();
    let world = World::start().await;
    publish_poison(&world, "evt_poison").await;
    let letter = letters(&world, 1).await.remove(0);
    assert_eq!(letter.kind, "reen.events.v1.WebhookReceived");
    assert_eq!(letter.about, format!("stripe {COMPLETED} evt_poison"));
    assert!(!letter.reason.is_empty());
    let died_at = to_millis(letter.died_at.as_ref().unwrap());
    assert!((before..=DateTime::now().timestamp_millis()).contains(&died_at));
    let event: Value = serde_json::from_str(&letter.body).unwrap();
    assert_eq!(event["id"], "evt_poison");

    let bytes = WebhookReceived {
        provider: "stripe".to_owned(),
        event_id: "evt_bytes".to_owned(),
        event_type: COMPLETED.to_owned(),
        body: vec![0xff, 0xfe],
        received_at: None,
    };
    world.publish_message(&Message::new(&bytes)).await;
    let found = letters(&world, 2).await;
    assert_eq!(found[0].id, letter.id, "oldest first");
    assert_eq!(found[1].body, "//4=");
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_listed_up_to_the_limit_with_their_number() {
    let world = World::start().await;
    for number in 0..3 {
        publish_poison(&world, &format!("evt_{number}")).await;
    }
    letters(&world, 3).await;
    let asked = ListDeadLettersRequest { limit: 2 };
    let found = body(operators(&world).list_dead_letters(asked).await);
    assert_eq!((found.letters.len(), found.total), (2, 3));
    let alerts = body(operators(&world).list_alerts(ListAlertsRequest {}).await).alerts;
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].kind(), AlertKind::DeadLetters);
    assert_eq!(alerts[0].subject, "reen.events.dead");
    assert!(alerts[0].what.starts_with("3 "), "{}", alerts[0].what);
    assert_eq!(alerts[0].hint, "reen dlq list");
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_letters_are_worked_on_anew() {
    let world = World::start().await;
    for event_id in ["evt_1", "evt_2"] {
        publish_poison(&world, event_id).await;
    }
    let ids: Vec<_> = letters(&world, 2)
        .await
        .into_iter()
        .map(|it| it.id)
        .collect();
    assert_eq!(replay(&world, &[&ids[1]], false).await, Ok(1));
    // It is as poisonous as before, and younger now.
    let found = letters(&world, 2).await;
    assert!(found.iter().any(|letter| letter.id == ids[1]));
    assert_eq!(replay(&world, &[], true).await, Ok(2));
    letters(&world, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_letters_are_gone_and_kept_in_the_inbox() {
    let world = World::start().await;
    for event_id in ["evt_1", "evt_2"] {
        publish_poison(&world, event_id).await;
    }
    let ids: Vec<_> = letters(&world, 2)
        .await
        .into_iter()
        .map(|it| it.id)
        .collect();
    assert_eq!(drop_letters(&world, &[&ids[0], "unknown"]).await, Ok(1));
    assert_eq!(letters(&world, 1).await[0].id, ids[1]);
    assert_eq!(drop_letters(&world, &[&ids[0]]).await, Err(Code::NotFound));
    assert_eq!(replay(&world, &[&ids[0]], false).await, Err(Code::NotFound));
    let inbox = world.database().await.collection::<bson::Document>("inbox");
    let kept = inbox.count_documents(bson::doc! {}).await.unwrap();
    assert_eq!(kept, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_named_or_all_are_meant() {
    let world = World::start().await;
    assert_eq!(replay(&world, &[], true).await, Ok(0), "there are none");
    assert_eq!(
        replay(&world, &[], false).await,
        Err(Code::ValidationFailed)
    );
    let both = replay(&world, &["a"], true).await;
    assert_eq!(both, Err(Code::ValidationFailed));
    assert_eq!(drop_letters(&world, &[]).await, Err(Code::ValidationFailed));
    let crowd = vec!["a"; 1_001];
    let refused = drop_letters(&world, &crowd).await;
    assert_eq!(refused, Err(Code::ValidationFailed));
    for limit in [0, 1_001] {
        let asked = ListDeadLettersRequest { limit };
        let refused = operators(&world).list_dead_letters(asked).await;
        assert_eq!(code(refused), Code::ValidationFailed, "{limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_gateway_and_the_command_line_may_ask() {
    let world = World::start().await;
    let methods = methods! { SagasClient;
        list_sagas(ListSagasRequest::default()) => OPERATORS,
        get_saga(GetSagaRequest::default()) => OPERATORS,
        retry_saga(RetrySagaRequest::default()) => OPERATORS,
        compensate_saga(CompensateSagaRequest::default()) => OPERATORS,
        list_dead_letters(ListDeadLettersRequest::default()) => OPERATORS,
        replay_dead_letters(ReplayDeadLettersRequest::default()) => OPERATORS,
        drop_dead_letters(DropDeadLettersRequest::default()) => OPERATORS,
        list_alerts(ListAlertsRequest {}) => OPERATORS,
    };
    let table = AccessTable {
        service: reen_events_handler::NAME,
        address: world.address(),
        processes: &[
            "gateway",
            "reen",
            "auth",
            "products",
            "cart-items",
            "checkout",
            "orders",
            "events-handler",
            "stranger",
        ],
        methods,
    };
    table.assert_each_method_is_for_its_callers().await;
    table.assert_only_true_identities_are_served().await;
}
