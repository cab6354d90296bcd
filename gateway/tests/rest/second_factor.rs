//! The second factor through REST.

use reen_error::Code;
use reqwest::Method;
use serde_json::json;

use crate::support::{BUYER, Gateway, send};

const FACTOR: &str = "/auth/second-factor";

#[tokio::test]
async fn it_is_turned_on_with_the_password_and_a_code() {
    let gateway = Gateway::start().await;
    let begin = gateway.signed_in(BUYER, Method::POST, FACTOR);
    let begun = send(begin.json(&json!({"currentPassword": "long enough"}))).await;
    assert_eq!(begun.status, 200);
    assert_eq!(begun.json()["uri"], "otpauth://totp/REEN:ada");
    assert_eq!(begun.header("cache-control"), "no-store");

    let confirm = gateway.signed_in(BUYER, Method::POST, &format!("{FACTOR}/confirm"));
    let confirmed = send(confirm.json(&json!({"code": "050 471"}))).await;
    assert_eq!(confirmed.status, 200);
    let view = confirmed.json();
    assert_eq!(view["recoveryCodes"], json!(["k3m9-7qwz-0x5t-h2ab"]));
    assert_eq!(
        (&view["accessToken"], &view["user"]["id"]),
        (&json!("access"), &json!(BUYER))
    );
    assert!(
        confirmed
            .header("set-cookie")
            .starts_with("refreshToken=second;")
    );
    assert_eq!(gateway.mesh.last_user().as_deref(), Some(BUYER));
    assert_eq!(
        gateway.mesh.take_calls(),
        ["BeginSecondFactor", "ConfirmSecondFactor"]
    );
}

#[tokio::test]
async fn it_is_turned_off_and_codes_are_renewed() {
    let gateway = Gateway::start().await;
    let renew = gateway.signed_in(BUYER, Method::POST, &format!("{FACTOR}/recovery-codes"));
    let renewed = send(renew.json(&json!({"code": "050471"}))).await;
    assert_eq!(
        renewed.json(),
        json!({"recoveryCodes": ["k3m9-7qwz-0x5t-h2ab"]})
    );
    let end = || gateway.signed_in(BUYER, Method::DELETE, FACTOR);
    let ended = end().json(&json!({"currentPassword": "long enough", "code": "050471"}));
    assert_eq!(send(ended).await.json(), json!({"status": "turned_off"}));
    let failing = send(end().json(&json!({"code": ""}))).await.failing();
    let failure = |field: &str, code: &str| (field.to_owned(), code.to_owned());
    assert_eq!(
        failing,
        [
            failure("code", "too_short"),
            failure("currentPassword", "required")
        ]
    );
    gateway.mesh.fail("EndSecondFactor", Code::SecondFactorOff);
    let again = end().json(&json!({"currentPassword": "long enough", "code": "050471"}));
    let expected = (409, "second_factor_off".to_owned());
    assert_eq!(send(again).await.problem(), expected);
}

#[tokio::test]
async fn signing_in_takes_a_code() {
    let gateway = Gateway::start().await;
    let credentials = json!({"email": "ada@example.com", "password": "x", "code": "050471"});
    let signed_in = send(gateway.post("/auth/sign-in").json(&credentials)).await;
    assert_eq!(signed_in.status, 200);
    assert!(
        gateway
            .mesh
            .with(|state| state.last_change.contains("050471"))
    );
    let without = json!({"email": "ada@example.com", "password": "x"});
    for (code, word) in [
        (Code::SecondFactorRequired, "second_factor_required"),
        (Code::InvalidCode, "invalid_code"),
    ] {
        gateway.mesh.fail("SignIn", code);
        let refused = send(gateway.post("/auth/sign-in").json(&without)).await;
        assert_eq!(refused.problem(), (401, word.to_owned()));
        assert!(refused.headers.get("set-cookie").is_none());
    }
}
