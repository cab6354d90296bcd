//! The second factor, from turning it on to the day on which the app is gone.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::time::{SystemTime, UNIX_EPOCH};

use reen_tests::{Answer, Client, Mesh, PASSWORD};
use reqwest::Method;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

const STEP_SECONDS: u64 = 30;

/// What the app shows so many half minutes from now; each code is taken once, one may be early.
fn app_code(secret: &Value, steps_ahead: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let secret = Secret::try_from_base32(secret.as_str().unwrap()).unwrap();
    let app = Builder::new().with_secret(secret).build().unwrap();
    let moment = now.as_secs() + steps_ahead * STEP_SECONDS;
    app.generate(moment).to_string()
}

async fn sign_in(mesh: &Mesh, email: &str, code: Option<&str>) -> Answer {
    let mut credentials = json!({"email": email, "password": PASSWORD});
    if let Some(code) = code {
        credentials["code"] = json!(code);
    }
    mesh.client().post("/auth/sign-in", credentials).await
}

fn with_session(client: &Client, session: &Value) -> Client {
    let token = session["accessToken"].as_str().unwrap();
    client.clone().with_token(token)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_one_signs_in_with_it_until_it_is_turned_off() {
    let mesh = Mesh::start().await;
    let ada = mesh.buyer().await;
    assert_eq!(ada.me().await["secondFactor"], false);
    let password = json!({"currentPassword": PASSWORD});
    let begun = ada.post("/auth/second-factor", password).await.ok();
    let code = json!({"code": app_code(&begun["secret"], 0)});
    let confirmed = ada.post("/auth/second-factor/confirm", code).await.ok();
    let recovery_codes = confirmed["recoveryCodes"].as_array().unwrap();
    assert_eq!(recovery_codes.len(), 10);
    let ada = with_session(&ada, &confirmed);
    assert_eq!(ada.me().await["secondFactor"], true);

    let refused = sign_in(&mesh, &ada.email, None).await;
    assert_eq!(
        (refused.status, refused.code()),
        (401, "second_factor_required")
    );
    let refused = sign_in(&mesh, &ada.email, Some("none")).await;
    assert_eq!((refused.status, refused.code()), (401, "invalid_code"));
    let next = app_code(&begun["secret"], 1);
    sign_in(&mesh, &ada.email, Some(&next)).await.ok();
    let again = sign_in(&mesh, &ada.email, Some(&next)).await;
    assert_eq!(again.code(), "invalid_code");

    // The day on which the app is gone.
    let recovery_code = recovery_codes[0].as_str();
    let session = sign_in(&mesh, &ada.email, recovery_code).await.ok();
    assert_eq!(session["user"]["id"], ada.user_id.as_str());
    let again = sign_in(&mesh, &ada.email, recovery_code).await;
    assert_eq!(again.code(), "invalid_code");
    let farewell = json!({"currentPassword": PASSWORD, "code": recovery_codes[1]});
    let ada = with_session(&ada, &session);
    let path = "/auth/second-factor";
    ada.send(Method::DELETE, path, Some(farewell)).await.ok();
    sign_in(&mesh, &ada.email, None).await.ok();
}
