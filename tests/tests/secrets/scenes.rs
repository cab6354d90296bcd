use std::time::{SystemTime, UNIX_EPOCH};

use reen_testkit::eventually;
use reen_tests::Mesh;
use reqwest::Method;
use ring::hmac;
use serde_json::{Value, json};

use crate::visitor::Visitor;

pub(crate) const PASSWORD: &str = "swordfish under the third stone";
pub(crate) const NEW_PASSWORD: &str = "swordfish under the fourth stone";
pub(crate) const WRONG_PASSWORD: &str = "sturgeon under the third stone";
pub(crate) const GOOD_CARD: &str = "4242424242424242";
pub(crate) const BAD_CARD: &str = "4000000000000002";
pub(crate) const EMAIL: &str = "quill@reen.example";
pub(crate) const STRIPE_KEY: &str = "sk_test_key_of_stripe";

pub(crate) async fn sign_up_and_fail_to_sign_in(visitor: &mut Visitor) {
    let person = json!({"name": "Quill", "email": EMAIL, "password": PASSWORD});
    visitor.enter("/auth/sign-up", person).await;
    let wrong = json!({"email": EMAIL, "password": WRONG_PASSWORD});
    assert_eq!(visitor.post("/auth/sign-in", wrong).await.0, 401);
    // What cannot be read, or is not asked for, is a secret all the same.
    let broken = visitor
        .request(Method::POST, "/auth/sign-in")
        .header("content-type", "application/json")
        .body(format!("{{\"email\":\"{EMAIL}\",\"password\":\"{PASSWORD}"));
    assert_eq!(visitor.send(broken).await.0, 400);
    let unknown = json!({"email": EMAIL, "password": PASSWORD, "passphrase": WRONG_PASSWORD});
    assert_eq!(visitor.post("/auth/sign-in", unknown).await.0, 422);
    let right = json!({"email": EMAIL, "password": PASSWORD});
    visitor.enter("/auth/sign-in", right).await;
}

pub(crate) async fn go_on_and_change_the_password(visitor: &mut Visitor) {
    visitor.enter("/auth/refresh-token", Value::Null).await;
    let in_the_query = format!("/products?access_token={}", visitor.token);
    assert_eq!(visitor.get(&in_the_query).await.0, 200);
    let change = json!({"currentPassword": WRONG_PASSWORD, "newPassword": NEW_PASSWORD});
    assert!(visitor.post("/auth/change-password", change).await.0 >= 400);
    let change = json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD});
    let (status, answer) = visitor.post("/auth/change-password", change).await;
    assert!(status < 300, "{answer}");
    let again = json!({"email": EMAIL, "password": NEW_PASSWORD});
    visitor.enter("/auth/sign-in", again).await;
}

/// The token of the link to `page` in a letter to the visitor.
async fn letter_token(mesh: &Mesh, page: &str) -> String {
    let before = format!("{page}?token=");
    eventually(&format!("a letter that leads to {page}"), async || {
        let letters = mesh.letters_to(EMAIL).into_iter();
        // Letters are quoted-printable: long lines are broken, and equal signs are written out.
        let letters = letters.map(|letter| letter.replace("=\r\n", "").replace("=3D", "="));
        letters.into_iter().find_map(|letter| {
            let (_, token) = letter.split_once(&before)?;
            let ends = |letter: char| !letter.is_ascii_alphanumeric() && !"-_".contains(letter);
            token.split(ends).next().map(str::to_owned)
        })
    })
    .await
}

pub(crate) async fn read_letters(visitor: &mut Visitor, mesh: &Mesh) {
    let token = letter_token(mesh, "verify-email").await;
    visitor.secrets.push(token.clone());
    let verified = visitor.post("/auth/email-verification/confirm", json!({"token": token}));
    assert_eq!(verified.await.0, 200);
    let asked = visitor.post("/auth/password-reset", json!({"email": EMAIL}));
    assert_eq!(asked.await.0, 202);
    let token = letter_token(mesh, "reset-password").await;
    visitor.secrets.push(token.clone());
    let reset = json!({"token": token, "newPassword": NEW_PASSWORD});
    let again = reset.clone();
    visitor.enter("/auth/password-reset/confirm", reset).await;
    assert_eq!(
        visitor.post("/auth/password-reset/confirm", again).await.0,
        400
    );
}

pub(crate) async fn make_an_api_key(visitor: &mut Visitor, mesh: &Mesh) {
    let wanted = json!({"name": "the warehouse", "scopes": ["orders:read"]});
    let (status, made) = visitor.post("/auth/api-keys", wanted).await;
    assert_eq!(status, 201, "{made}");
    let mut program = Visitor::of(mesh);
    made["key"].as_str().unwrap().clone_into(&mut program.token);
    assert_eq!(program.get("/orders").await.0, 200);
    assert_eq!(program.get("/cart-items").await.0, 403);
    program.token.push('x');
    assert_eq!(program.get("/orders").await.0, 401);
}

pub(crate) async fn turn_the_second_factor_on(visitor: &mut Visitor) {
    let asked = json!({"currentPassword": NEW_PASSWORD});
    let (status, begun) = visitor.post("/auth/second-factor", asked).await;
    assert_eq!(status, 200, "{begun}");
    let code = totp(begun["secret"].as_str().unwrap());
    let (status, confirmed) = visitor
        .post("/auth/second-factor/confirm", json!({"code": code}))
        .await;
    assert_eq!(status, 200, "{confirmed}");
    let recovery = &confirmed["recoveryCodes"][0];
    for (code, expected) in [(&json!("000000"), 401), (recovery, 200), (recovery, 401)] {
        let person = json!({"email": EMAIL, "password": NEW_PASSWORD, "code": code});
        assert_eq!(visitor.post("/auth/sign-in", person).await.0, expected);
    }
}

/// The code that an authenticator app shows now (RFC 6238).
fn totp(secret: &str) -> String {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = secret
        .chars()
        .map(|letter| format!("{:05b}", LETTERS.find(letter).unwrap()))
        .collect();
    let bytes = bits.as_bytes().chunks_exact(8);
    let bytes = bytes.map(|byte| u8::from_str_radix(str::from_utf8(byte).unwrap(), 2).unwrap());
    let bytes: Vec<u8> = bytes.collect();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let tag = hmac::sign(&key, &(now.as_secs() / 30).to_be_bytes());
    let start = usize::from(tag.as_ref()[19] & 15);
    let four = tag.as_ref()[start..start + 4].try_into().unwrap();
    let number = u32::from_be_bytes(four) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

pub(crate) async fn sell_and_buy(visitor: &mut Visitor, mesh: &Mesh) {
    let seller = mesh.seller().await;
    let product = seller.list_product("10", 5).await;
    let line = json!({"productId": product, "quantity": 1});
    assert!(visitor.post("/cart-items", line).await.0 < 300);
    let (status, checkout) = visitor.post("/checkout", Value::Null).await;
    assert!(status < 300, "{checkout}");
    let page = checkout["stripeSessionUrl"].as_str().unwrap();
    let session = page.rsplit('/').next().unwrap();
    for card in [BAD_CARD, GOOD_CARD] {
        let url = format!("{}/sim/sessions/{session}/pay", mesh.stripe);
        let paying = visitor.http.post(url).json(&json!({"card": card}));
        visitor.send(paying).await;
    }
    let path = format!("/checkout/{}", checkout["checkoutId"].as_str().unwrap());
    let visitor = tokio::sync::Mutex::new(visitor);
    eventually("the order", async || {
        let (_, checkout) = visitor.lock().await.get(&path).await;
        (checkout["status"] == "completed").then_some(())
    })
    .await;
}

pub(crate) async fn forge(visitor: &mut Visitor, mesh: &Mesh) {
    let forged = json!({"type": "checkout.session.completed", "key": STRIPE_KEY});
    assert_eq!(
        visitor.post("/webhooks/stripe", forged.clone()).await.0,
        400
    );
    assert_eq!(visitor.post("/webhooks/clerk", forged).await.0, 400);
    let mut stranger = Visitor::of(mesh);
    stranger.token = format!("{}x", visitor.token);
    assert_eq!(stranger.get("/orders").await.0, 401);
    visitor.secrets.push(stranger.token);
}
