//! The commands of operators, typed at the real binary.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of a test fails by panicking"
)]

mod support;

use bson::doc;
use reen_backends::ports;
use reen_proto::auth::v1::Role;
use reen_testkit::eventually;
use serde_json::{Value, json};
use support::World;

#[tokio::test(flavor = "multi_thread")]
async fn sagas_are_listed_for_people_and_for_machines() {
    let world = World::start().await;
    let none = world.type_in(&["saga", "list"]).await;
    assert_eq!(
        (none.code, none.text.as_str()),
        (0, "no saga is like that\n")
    );
    let stuck = world.saga_in("stuck").await;
    let done = world.saga_in("done").await;

    let listed = world.type_in(&["saga", "list"]).await;
    assert_eq!(listed.code, 0, "{listed:?}");
    let lines: Vec<&str> = listed.text.lines().collect();
    assert!(lines[0].starts_with("SAGA "), "{listed:?}");
    assert!(
        lines[1].starts_with(&done),
        "those changed last come first: {listed:?}"
    );
    let of_stuck = "stuck   record-payment  20";
    assert!(
        lines[2].starts_with(&stuck) && lines[2].contains(of_stuck),
        "{listed:?}"
    );
    assert!(
        lines[2].ends_with("record-payment: unavailable: checkout is away"),
        "{listed:?}"
    );

    let asked = [
        "saga",
        "list",
        "--status",
        "stuck",
        "--kind",
        "order-completed",
    ];
    let (code, found) = world.type_for_machines(&asked).await;
    assert_eq!((code, found.as_array().unwrap().len()), (0, 1));
    assert_eq!(found[0]["id"], stuck);
    assert_eq!(found[0]["stuckIn"], "running");
    let (_, found) = world
        .type_for_machines(&["saga", "list", "--limit", "1"])
        .await;
    assert_eq!(found[0]["id"], done);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_is_shown_with_its_state_and_its_log() {
    let world = World::start().await;
    let id = world.saga_in("stuck").await;
    let shown = world.type_in(&["saga", "show", &id]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    for part in [
        id.as_str(),
        "owes     record-payment, commit-hold",
        "\"amount_cents\": 12500",
        "checkout is away",
    ] {
        assert!(shown.text.contains(part), "{part} in {shown:?}");
    }
    let (_, shown) = world.type_for_machines(&["saga", "show", &id]).await;
    assert_eq!(shown["state"]["payment_intent_id"], "pi_1");
    assert_eq!(shown["owed"], json!(["record-payment", "commit-hold"]));
    assert_eq!(shown["log"][0]["outcome"], "unavailable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_saga_is_made_to_go_on() {
    let world = World::start().await;
    let id = world.saga_in("stuck").await;
    let retried = world.type_in(&["saga", "retry", &id]).await;
    assert_eq!(retried.code, 0, "{retried:?}");
    assert!(
        retried.text.contains(&format!("reen saga show {id}")),
        "{retried:?}"
    );
    // Its services are away, so it tries, and waits.
    let tried = doc! {"_id": &id, "status": "running", "attempts": {"$gt": 0, "$lt": 20}};
    eventually("the saga to be tried", async || {
        world.sagas.find_one(tried.clone()).await.unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_is_turned_around_for_a_reason() {
    let world = World::start().await;
    let id = world.saga_in("stuck").await;
    let reason = ["--reason", "the buyer asked for it"];
    let unreasonable = world.type_in(&["saga", "compensate", &id]).await;
    assert_eq!(unreasonable.code, 2, "{unreasonable:?}");
    let asked = [&["saga", "compensate", &id], &reason[..]].concat();
    let (code, turned) = world.type_for_machines(&asked).await;
    assert_eq!((code, &turned["status"]), (0, &json!("compensating")));
    let saga = world
        .sagas
        .find_one(doc! {"_id": &id})
        .await
        .unwrap()
        .unwrap();
    let refusal = saga.get_document("refusal").unwrap();
    assert_eq!(refusal.get_str("message").unwrap(), reason[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_says_why_and_ends_with_one() {
    let world = World::start().await;
    let done = world.saga_in("done").await;
    let reason = ["--reason", "no reason"];
    for (asked, complaint) in [
        (vec!["saga", "retry", &done], "illegal_transition: "),
        (
            [&["saga", "compensate", &done], &reason[..]].concat(),
            "illegal_transition: ",
        ),
        (vec!["saga", "show", "order-completed:none"], "not_found: "),
        (vec!["dlq", "show", "none"], "not_found: "),
        (vec!["dlq", "drop", "none"], "not_found: "),
        (
            vec!["operator", "grant", "nobody@reen.example"],
            "not_found: ",
        ),
    ] {
        let refused = world.type_in(&asked).await;
        assert_eq!(refused.code, 1, "{asked:?}: {refused:?}");
        assert!(refused.text.is_empty(), "{asked:?}: {refused:?}");
        assert!(
            refused.complaint.contains(complaint),
            "{asked:?}: {refused:?}"
        );
    }
}

async fn letters(world: &World, count: usize) -> Vec<String> {
    eventually(&format!("{count} dead letters"), async || {
        let (_, listed) = world.type_for_machines(&["dlq", "list"]).await;
        let letters = listed["letters"].as_array().unwrap();
        let id = |letter: &Value| letter["id"].as_str().unwrap().to_owned();
        (letters.len() == count).then(|| letters.iter().map(id).collect())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_shown_replayed_and_dropped() {
    let world = World::start().await;
    let none = world.type_in(&["dlq", "list"]).await;
    assert_eq!((none.code, none.text.as_str()), (0, "no message is dead\n"));
    for event_id in ["evt_1", "evt_2"] {
        world.publish_poison(event_id).await;
    }
    let ids = letters(&world, 2).await;
    let listed = world.type_in(&["dlq", "list"]).await;
    assert!(
        listed
            .text
            .contains("stripe checkout.session.completed evt_1"),
        "{listed:?}"
    );
    assert!(listed.text.ends_with("2 in all\n"), "{listed:?}");
    let shown = world.type_in(&["dlq", "show", &ids[0]]).await;
    assert!(shown.text.contains("\"id\": \"poison\""), "{shown:?}");

    let (code, replayed) = world.type_for_machines(&["dlq", "replay", "--all"]).await;
    assert_eq!((code, &replayed["replayed"]), (0, &json!(2)));
    let ids = letters(&world, 2).await;
    let unsaid = world.type_in(&["dlq", "replay"]).await;
    assert_eq!(unsaid.code, 2, "{unsaid:?}");
    let (_, replayed) = world.type_for_machines(&["dlq", "replay", &ids[0]]).await;
    assert_eq!(replayed["replayed"], 1);
    let ids = letters(&world, 2).await;
    let dropped = world.type_in(&["dlq", "drop", &ids[0], &ids[1]]).await;
    assert_eq!((dropped.code, dropped.text.as_str()), (0, "2 forgotten\n"));
    letters(&world, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_end_with_one_and_say_what_to_type() {
    let world = World::start().await;
    let fine = world.type_in(&["alerts"]).await;
    assert_eq!(
        (fine.code, fine.text.as_str()),
        (0, "nothing is past its deadline\n")
    );
    let (code, fine) = world.type_for_machines(&["alerts"]).await;
    assert_eq!((code, fine), (0, json!([])));
    let id = world.saga_in("stuck").await;
    let found = world.type_in(&["alerts"]).await;
    assert_eq!(found.code, 1, "{found:?}");
    let line = found
        .text
        .lines()
        .find(|line| line.starts_with("saga_stuck"));
    let line = line.unwrap_or_else(|| panic!("{found:?}"));
    assert!(line.ends_with(&format!("reen saga show {id}")), "{line}");
    let (code, found) = world.type_for_machines(&["alerts"]).await;
    assert_eq!((code, &found[0]["subject"]), (1, &json!(id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_made_and_unmade() {
    let world = World::start().await;
    let user = world.user().await;
    assert_eq!(user.role(), Role::Buyer);
    let granted = world.type_in(&["operator", "grant", &user.email]).await;
    assert_eq!(granted.code, 0, "{granted:?}");
    let expected = format!("{} ({}) is an operator\n", user.email, user.id);
    assert_eq!(granted.text, expected);
    let (code, revoked) = world
        .type_for_machines(&["operator", "revoke", &user.email])
        .await;
    let expected = json!({"id": user.id, "email": user.email, "operator": false});
    assert_eq!((code, revoked), (0, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_asked_ends_with_two_and_says_what_to_do() {
    let mut world = World::start().await;
    let right = world.environment.clone();
    let nowhere = format!("http://127.0.0.1:{}", ports::choose().unwrap());
    let key = "EVENTS_HANDLER_SERVICE_URL".to_owned();
    world.environment.insert(key.clone(), nowhere.clone());
    let away = world.type_in(&["saga", "list"]).await;
    assert_eq!(away.code, 2, "{away:?}");
    let expected = format!("events-handler at {nowhere} does not answer");
    for part in [expected.as_str(), &key, "cargo xtask up"] {
        assert!(away.complaint.contains(part), "{part} in {away:?}");
    }
    for (key, value, complaint) in [
        (
            "SERVICE_IDENTITY_SECRET",
            "another secret of thirty-two characters",
            "SERVICE_IDENTITY_SECRET",
        ),
        (
            "SERVICE_IDENTITY_SECRET",
            "",
            "SERVICE_IDENTITY_SECRET is not set",
        ),
        (
            "AUTH_SERVICE_URL",
            "nonsense",
            "AUTH_SERVICE_URL is malformed",
        ),
    ] {
        world.environment = right.clone();
        world.environment.insert(key.to_owned(), value.to_owned());
        let refused = world.type_in(&["alerts"]).await;
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.complaint.contains(complaint), "{refused:?}");
    }
    world.environment = right;
    for asked in [
        &["saga"][..],
        &["saga", "list", "--limit", "0"],
        &["nonsense"],
    ] {
        assert_eq!(world.type_in(asked).await.code, 2, "{asked:?}");
    }
}
