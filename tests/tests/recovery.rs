//! Letters about the account, from the request to the mailbox and back; lockouts; another signing key.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use bson::{DateTime, Document, doc};
use reen_proto::auth::v1::RotateKeysRequest;
use reen_proto::auth::v1::signing_keys_client::SigningKeysClient;
use reen_testkit::{eventually, identity};
use reen_tests::{Answer, Client, Mesh, PASSWORD};
use reqwest::Method;
use serde_json::{Value, json};

const NEW: &str = "correct donkey battery";

/// The tokens of the links to `page` in the letters to `address`, once there is one.
async fn tokens(mesh: &Mesh, address: &str, page: &str) -> Vec<String> {
    let link = format!("http://localhost:3000/{page}?token=");
    eventually(&format!("a letter that leads to {page}"), async || {
        let letters = mesh.letters_to(address).into_iter();
        let tokens = letters.filter_map(|letter| token_after(&link, &letter));
        Some(tokens.collect::<Vec<_>>()).filter(|tokens| !tokens.is_empty())
    })
    .await
}

fn token_after(link: &str, letter: &str) -> Option<String> {
    // Quoted-printable folds long lines, and writes the equals sign as such.
    let plain = letter.replace("=\r\n", "").replace("=3D", "=");
    let (_, rest) = plain.split_once(link)?;
    let is_base64url = |letter: &char| letter.is_ascii_alphanumeric() || "-_".contains(*letter);
    Some(rest.chars().take_while(is_base64url).collect())
}

async fn sign_in(client: &Client, email: &str, password: &str) -> Answer {
    let credentials = json!({"email": email, "password": password});
    client.post("/auth/sign-in", credentials).await
}

async fn refresh(client: &Client) -> Answer {
    client.send(Method::POST, "/auth/refresh-token", None).await
}

async fn confirm(client: &Client, token: &str) -> Answer {
    let body = json!({"token": token, "newPassword": NEW});
    client.post("/auth/password-reset/confirm", body).await
}

fn refusal(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_up_verifies_the_address_with_the_letter_that_comes() {
    let mesh = Mesh::start().await;
    let buyer = mesh.buyer().await;
    assert_eq!(buyer.me().await["emailVerified"], false);
    let tokens = tokens(&mesh, &buyer.email, "verify-email").await;
    assert_eq!(tokens.len(), 1);
    let body = json!({"token": tokens[0]});
    let anybody = mesh.client();
    let path = "/auth/email-verification/confirm";
    anybody.post(path, body.clone()).await.ok();
    assert_eq!(buyer.me().await["emailVerified"], true);
    let again = anybody.post(path, body).await;
    assert_eq!(refusal(&again), (400, "invalid_token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_reset_by_letter_once_and_every_session_is_over() {
    let mesh = Mesh::start().await;
    let buyer = mesh.buyer().await;
    let visitor = mesh.client();
    for email in ["nobody@reen.example", &buyer.email] {
        let asked = visitor.post("/auth/password-reset", json!({"email": email}));
        let asked = asked.await;
        assert_eq!(
            (asked.status, &asked.body["status"]),
            (202, &json!("accepted"))
        );
    }
    let tokens = tokens(&mesh, &buyer.email, "reset-password").await;
    let session = confirm(&visitor, &tokens[0]).await.ok();
    assert_eq!(session["user"]["id"], buyer.user_id.as_str());
    let token = session["accessToken"].as_str().unwrap();
    assert_eq!(
        visitor.clone().with_token(token).me().await["emailVerified"],
        true
    );

    let over = refresh(&buyer).await;
    assert_eq!(refusal(&over), (401, "invalid_refresh_token"));
    refresh(&visitor).await.ok();
    let old = sign_in(&visitor, &buyer.email, PASSWORD).await;
    assert_eq!(refusal(&old), (401, "invalid_credentials"));
    sign_in(&visitor, &buyer.email, NEW).await.ok();
    let again = confirm(&visitor, &tokens[0]).await;
    assert_eq!(refusal(&again), (400, "invalid_token"));
    assert!(mesh.letters_to("nobody@reen.example").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_locked_out_and_the_owner_is_not() {
    let mesh = Mesh::start().await;
    let owner = mesh.buyer().await;
    let stranger = mesh.client();
    for _ in 0..10 {
        let wrong = sign_in(&stranger, &owner.email, "guessed").await;
        assert_eq!(refusal(&wrong), (401, "invalid_credentials"));
    }
    let lockout = sign_in(&stranger, &owner.email, PASSWORD).await;
    assert_eq!(refusal(&lockout), (429, "too_many_attempts"));
    // From the same address, with the browser that signed up.
    sign_in(&owner, &owner.email, PASSWORD).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_signs_nobody_out() {
    let mesh = Mesh::start().await;
    let before = mesh.buyer().await;
    before.me().await;
    let address = mesh.service_url("AUTH").parse().unwrap();
    let channel = reen_chassis::client::connect(&identity("reen"), "auth", &[address]);
    let mut keys = SigningKeysClient::new(channel.unwrap());
    let rotated = keys.rotate_keys(RotateKeysRequest {}).await.unwrap();
    let next = rotated.into_inner().keys[0].id.clone();
    let during = mesh.buyer().await;

    // As if its time had come.
    let stored = mesh.database("AUTH").await;
    let stored = stored.collection::<Document>("signing_keys");
    let begun = doc! {"$set": {"signsFrom": DateTime::now()}};
    stored.update_one(doc! {"_id": &next}, begun).await.unwrap();
    let after = eventually("the next key to sign", async || {
        let session = sign_in(&before, &before.email, PASSWORD).await.ok();
        let token = session["accessToken"].as_str().unwrap().to_owned();
        (signer(&token) == next).then_some(token)
    })
    .await;
    let after = before.clone().with_token(&after);
    // Two minutes have not really passed: the gateway may have read the keys a moment before the rotation.
    eventually("the gateway to know the next key", async || {
        (after.get("/auth/users/me").await.status == 200).then_some(())
    })
    .await;
    for client in [&before, &during] {
        client.me().await;
    }
    let url = format!("{}/.well-known/jwks.json", mesh.gateway);
    eventually("both keys to be published", async || {
        let set: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
        (set["keys"].as_array()?.len() == 2).then_some(())
    })
    .await;
}

/// The key that a token names.
fn signer(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}
