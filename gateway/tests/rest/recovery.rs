//! Passwords that were forgotten, addresses that are verified, browsers that are known again, and the keys.

use reen_error::Code;
use reen_testkit::eventually;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, BUYER, DEVICE, Gateway, Keys, send};

fn cookies(answer: &Answer) -> Vec<&str> {
    let cookies = answer.headers.get_all("set-cookie").iter();
    cookies.map(|cookie| cookie.to_str().unwrap()).collect()
}

#[tokio::test]
async fn a_letter_is_asked_for_and_leads_to_a_new_password() {
    let gateway = Gateway::start().await;
    let body = json!({"email": "ada@example.com"});
    let asked = send(gateway.post("/auth/password-reset").json(&body)).await;
    assert_eq!(
        (asked.status.as_u16(), asked.json()),
        (202, json!({"status": "accepted"}))
    );
    let confirm = async |token: &str| {
        let body = json!({"token": token, "newPassword": "correct donkey"});
        send(gateway.post("/auth/password-reset/confirm").json(&body)).await
    };
    let reset = confirm("first").await;
    assert_eq!(reset.json()["user"]["id"], BUYER);
    let set = cookies(&reset);
    assert!(set[0].starts_with("refreshToken=fresh;"), "{set:?}");
    assert!(set[1].starts_with(&format!("device={DEVICE};")), "{set:?}");
    let without_session = confirm("second-factor").await;
    assert_eq!(without_session.json(), json!({"status": "reset"}));
    assert!(cookies(&without_session).is_empty());
    let used = confirm("used").await;
    assert_eq!(used.problem(), (400, "invalid_token".to_owned()));
    let body = json!({"token": "first", "newPassword": "short"});
    let short = send(gateway.post("/auth/password-reset/confirm").json(&body)).await;
    assert_eq!(
        short.failing(),
        [("newPassword".to_owned(), "too_short".to_owned())]
    );
}

#[tokio::test]
async fn an_address_is_verified_by_whoever_has_the_letter() {
    let gateway = Gateway::start().await;
    let path = "/auth/email-verification";
    let again = send(gateway.signed_in(BUYER, Method::POST, path)).await;
    assert_eq!(again.status, 202);
    assert_eq!(gateway.mesh.last_user().as_deref(), Some(BUYER));
    for (token, status) in [("first", 200), ("used", 400)] {
        let body = json!({"token": token});
        let answer = send(gateway.post(&format!("{path}/confirm")).json(&body)).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[tokio::test]
async fn auth_learns_where_a_sign_in_comes_from() {
    let gateway = Gateway::start_with(&[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    let body = json!({"email": "ada@example.com", "password": "guessed"});
    let sign_in = || {
        let request = gateway.post("/auth/sign-in").json(&body);
        request.header("x-forwarded-for", "2001:db8:1:2:3::4")
    };
    let signed_in = send(sign_in()).await;
    let set = cookies(&signed_in);
    let device =
        format!("device={DEVICE}; HttpOnly; SameSite=Strict; Path=/api/v1/auth; Max-Age=7776000");
    assert!(set[1].starts_with(&device), "{set:?}");
    let asked = gateway.mesh.with(|state| state.last_change.clone());
    assert!(asked.contains("network: \"2001:db8:1:2::\""), "{asked}");
    assert!(asked.contains("device_token: \"\""), "{asked}");
    for (cookie, expected) in [(DEVICE, DEVICE), ("no token", "")] {
        send(sign_in().header("cookie", format!("device={cookie}"))).await;
        let asked = gateway.mesh.with(|state| state.last_change.clone());
        assert!(
            asked.contains(&format!("device_token: \"{expected}\"")),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn who_was_wrong_too_often_is_told_when_to_come_back() {
    let gateway = Gateway::start().await;
    gateway.mesh.fail("SignIn", Code::TooManyAttempts);
    let body = json!({"email": "ada@example.com", "password": "guessed"});
    let refused = send(gateway.post("/auth/sign-in").json(&body)).await;
    assert_eq!(refused.problem(), (429, "too_many_attempts".to_owned()));
}

#[tokio::test]
async fn the_keys_are_published_and_may_be_kept_for_a_minute() {
    let gateway = Gateway::start().await;
    let url = format!("{}/.well-known/jwks.json", gateway.base);
    let ids = async || {
        let answer = send(gateway.client.get(&url)).await;
        assert_eq!(answer.header("cache-control"), "public, max-age=60");
        assert_eq!(answer.header("content-type"), "application/json");
        let keys = answer.json()["keys"].as_array().cloned().unwrap();
        let ids = keys
            .iter()
            .map(|key| key["kid"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    for _ in 0..3 {
        assert_eq!(ids().await, ["first"]);
    }
    assert_eq!(
        gateway.mesh.count("GetJwks"),
        1,
        "auth is not asked each time"
    );
    let next = Keys::new("next").jwk();
    gateway.mesh.with(|state| state.keys.push(next));
    eventually("the next key", async || {
        (ids().await == ["first", "next"]).then_some(())
    })
    .await;
}
