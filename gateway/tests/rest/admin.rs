//! What operators do: for nobody else, and refused with every failing field.

use reen_error::Code;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, BUYER, Gateway, OPERATOR, SAGA, SELLER, send};

/// Every operation: method, path, body, and what it asks.
fn operations() -> [(Method, String, Value, &'static str); 8] {
    let (nothing, ids) = (Value::Null, json!({"ids": ["letter-1"]}));
    let path = |path: &str| format!("/admin/{path}");
    [
        (Method::GET, path("sagas"), nothing.clone(), "ListSagas"),
        (
            Method::GET,
            path(&format!("sagas/{SAGA}")),
            nothing.clone(),
            "GetSaga",
        ),
        (
            Method::POST,
            path(&format!("sagas/{SAGA}/retry")),
            nothing.clone(),
            "RetrySaga",
        ),
        (
            Method::POST,
            path(&format!("sagas/{SAGA}/compensate")),
            json!({"reason": "the buyer asked for it"}),
            "CompensateSaga",
        ),
        (
            Method::GET,
            path("dead-letters"),
            nothing.clone(),
            "ListDeadLetters",
        ),
        (
            Method::POST,
            path("dead-letters/replay"),
            ids.clone(),
            "ReplayDeadLetters",
        ),
        (
            Method::POST,
            path("dead-letters/drop"),
            ids,
            "DropDeadLetters",
        ),
        (Method::GET, path("alerts"), nothing, "ListAlerts"),
    ]
}

async fn ask(gateway: &Gateway, user: &str, method: Method, path: &str, body: &Value) -> Answer {
    let request = gateway.signed_in(user, method, path);
    let request = match body {
        Value::Null => request,
        body => request.json(body),
    };
    send(request).await
}

async fn get(gateway: &Gateway, path: &str) -> Answer {
    ask(gateway, OPERATOR, Method::GET, path, &Value::Null).await
}

async fn post(gateway: &Gateway, path: &str, body: &Value) -> Answer {
    ask(gateway, OPERATOR, Method::POST, path, body).await
}

#[tokio::test]
async fn each_operation_is_for_operators_alone() {
    let gateway = Gateway::start().await;
    for (method, path, body, asked) in operations() {
        let anonymous = send(gateway.request(method.clone(), &path).json(&body)).await;
        let expected = (401, "unauthenticated".to_owned());
        assert_eq!(anonymous.problem(), expected, "{path}");
        for user in [BUYER, SELLER] {
            let refused = ask(&gateway, user, method.clone(), &path, &body).await;
            assert_eq!(refused.problem(), (403, "forbidden".to_owned()), "{path}");
        }
        assert_eq!(gateway.mesh.count(asked), 0, "{path}");
        let answer = ask(&gateway, OPERATOR, method, &path, &body).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(gateway.mesh.count(asked), 1, "{path}");
        assert_eq!(gateway.mesh.last_user().as_deref(), Some(OPERATOR));
    }
}

#[tokio::test]
async fn who_may_not_ask_learns_nothing_of_the_question() {
    let gateway = Gateway::start().await;
    for (method, path, body) in [
        (Method::GET, "/admin/sagas?limit=x", Value::Null),
        (Method::GET, "/admin/sagas/nothing", Value::Null),
        (Method::POST, "/admin/dead-letters/drop", json!({"ids": 1})),
    ] {
        let refused = ask(&gateway, BUYER, method, path, &body).await;
        assert_eq!(refused.problem(), (403, "forbidden".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn an_operator_sees_sagas() {
    let gateway = Gateway::start().await;
    let shown = get(&gateway, "/admin/sagas").await.json();
    let stuck = &shown[0];
    assert_eq!(stuck["id"], SAGA);
    assert_eq!(
        (&stuck["status"], &stuck["stuckIn"]),
        (&json!("stuck"), &json!("running"))
    );
    assert_eq!(stuck["step"], "commit-hold");
    assert_eq!(stuck["lastFailure"], "commit-hold: unavailable: no answer");
    assert_eq!(stuck["updatedAt"], "2025-06-15T15:06:40.123Z");
    for absent in ["step", "stuckIn", "lastFailure"] {
        assert_eq!(shown[1].get(absent), None, "{absent}");
    }
    let details = get(&gateway, &format!("/admin/sagas/{SAGA}")).await.json();
    assert_eq!(details["status"], "stuck");
    assert_eq!(details["owed"], json!(["record-payment", "commit-hold"]));
    assert_eq!(details["state"], json!({"checkoutId": "c"}));
    assert_eq!(details["log"][0]["outcome"], "ok");
    assert_eq!(details["log"][0].get("message"), None);
}

#[tokio::test]
async fn what_is_asked_for_reaches_the_saga_service() {
    let gateway = Gateway::start().await;
    let last_change = || gateway.mesh.with(|state| state.last_change.clone());
    let before = "2026-11-21T08:00:00.500%2B01:00";
    let query = format!("status=stuck&kind=order-completed&limit=7&before={before}");
    get(&gateway, &format!("/admin/sagas?{query}")).await;
    let asked = last_change();
    for part in [
        "status: Stuck",
        "kind: \"order-completed\"",
        "limit: 7",
        "seconds: 1795244400",
        "nanos: 500000000",
    ] {
        assert!(asked.contains(part), "{part} in {asked}");
    }
    get(&gateway, "/admin/sagas").await;
    assert!(last_change().contains("limit: 100"));
    let reason = json!({"reason": "asked for"});
    post(
        &gateway,
        &format!("/admin/sagas/{SAGA}/compensate"),
        &reason,
    )
    .await;
    assert!(last_change().contains("reason: \"asked for\""));
    post(
        &gateway,
        "/admin/dead-letters/replay",
        &json!({"all": true}),
    )
    .await;
    assert!(last_change().contains("ids: [], all: true"));
}

#[tokio::test]
async fn an_operator_sees_dead_letters_and_alerts() {
    let gateway = Gateway::start().await;
    let listed = get(&gateway, "/admin/dead-letters?limit=1").await;
    assert_eq!(listed.header("x-total-count"), "7");
    assert_eq!(
        listed.json()[0]["about"],
        "stripe checkout.session.completed evt_1"
    );
    assert_eq!(listed.json()[0]["diedAt"], "2025-06-15T15:06:40.123Z");
    let ids = json!({"ids": ["letter-1"]});
    let replayed = post(&gateway, "/admin/dead-letters/replay", &ids).await;
    assert_eq!(replayed.json(), json!({"replayed": 2}));
    let dropped = post(&gateway, "/admin/dead-letters/drop", &ids).await;
    assert_eq!(dropped.json(), json!({"dropped": 1}));
    let alerts = get(&gateway, "/admin/alerts").await.json();
    assert_eq!(alerts[0]["kind"], "saga_stuck");
    assert_eq!(alerts[0]["hint"], format!("reen saga show {SAGA}"));
    assert_eq!(alerts[1]["kind"], "dead_letters");
    assert_eq!(alerts[1].get("since"), None);
}

#[tokio::test]
async fn every_failing_field_is_named() {
    let gateway = Gateway::start().await;
    for (query, field, code) in [
        ("status=lost", "status", "not_in_list"),
        ("kind=", "kind", "too_short"),
        ("limit=0", "limit", "too_small"),
        ("limit=1001", "limit", "too_large"),
        ("before=yesterday", "before", "not_a_time"),
    ] {
        let answer = get(&gateway, &format!("/admin/sagas?{query}")).await;
        assert_eq!(answer.problem().0, 422, "{query}: {answer:?}");
        let failing = answer.failing();
        assert_eq!(failing, [(field.to_owned(), code.to_owned())], "{query}");
    }
    let compensate = format!("/admin/sagas/{SAGA}/compensate");
    let long = json!({"reason": "x".repeat(501)});
    for (path, body, field, code) in [
        (compensate.as_str(), json!({}), "reason", "required"),
        (&compensate, json!({"reason": " "}), "reason", "blank"),
        (&compensate, long, "reason", "too_long"),
        ("/admin/dead-letters/drop", json!({}), "ids", "required"),
        (
            "/admin/dead-letters/drop",
            json!({"ids": []}),
            "ids",
            "too_few",
        ),
        (
            "/admin/dead-letters/replay",
            json!({"all": 1}),
            "all",
            "invalid_type",
        ),
    ] {
        let answer = post(&gateway, path, &body).await;
        assert_eq!(answer.problem().0, 422, "{path} {body}: {answer:?}");
        let failing = answer.failing();
        assert_eq!(failing, [(field.to_owned(), code.to_owned())], "{body}");
    }
    assert_eq!(
        gateway
            .mesh
            .take_calls()
            .iter()
            .filter(|call| *call != "GetUser")
            .count(),
        0
    );
}

#[tokio::test]
async fn what_is_no_saga_is_not_found_without_asking() {
    let gateway = Gateway::start().await;
    for id in [
        "1",
        "order-completed",
        "a:%00",
        "a:b%2fc",
        "a:b c",
        &"a:".repeat(101),
    ] {
        let answer = get(&gateway, &format!("/admin/sagas/{id}")).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{id}");
    }
    assert_eq!(gateway.mesh.count("GetSaga"), 0);
    let unknown = get(&gateway, "/admin/sagas/order-completed:nobody").await;
    assert_eq!(unknown.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn refusals_of_the_saga_service_are_told() {
    let gateway = Gateway::start().await;
    gateway.mesh.fail("RetrySaga", Code::IllegalTransition);
    let refused = post(
        &gateway,
        &format!("/admin/sagas/{SAGA}/retry"),
        &Value::Null,
    )
    .await;
    assert_eq!(refused.problem(), (409, "illegal_transition".to_owned()));
    gateway.peers["events-handler"].go().await;
    let away = reen_testkit::eventually("it is missed", async || {
        let answer = get(&gateway, "/admin/alerts").await;
        (answer.status != 200).then_some(answer)
    });
    assert_eq!(away.await.problem(), (503, "unavailable".to_owned()));
    let shop = send(gateway.get("/products")).await;
    assert_eq!(shop.status, 200, "the shop does without it");
}

#[tokio::test]
async fn who_is_an_operator_no_longer_is_out_at_once() {
    let gateway = Gateway::start().await;
    assert_eq!(get(&gateway, "/admin/alerts").await.status, 200);
    gateway.mesh.fail("GetUser", Code::Unauthenticated);
    assert_eq!(get(&gateway, "/admin/alerts").await.problem().0, 401);
    gateway.mesh.fail("GetUser", Code::Unavailable);
    assert_eq!(get(&gateway, "/admin/alerts").await.problem().0, 503);
    assert_eq!(gateway.mesh.count("ListAlerts"), 1);
}

#[tokio::test]
async fn an_operator_is_shown_their_role() {
    let gateway = Gateway::start().await;
    let me = get(&gateway, "/auth/users/me").await.json();
    assert_eq!(me["role"], "OPERATOR");
    let choosing = json!({"role": "OPERATOR"});
    let refused = post(&gateway, "/auth/update-user-role", &choosing).await;
    assert_eq!(
        refused.failing(),
        [("role".to_owned(), "not_in_list".to_owned())]
    );
}
