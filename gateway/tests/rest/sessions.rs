//! Who is signed in, and how: tokens, cookies, roles, accounts.

use reen_error::Code;
use reen_proto::events::v1::AccountDeletionRequested;
use reen_testkit::eventually;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{BUYER, Gateway, Keys, ORIGIN, SELLER, claims, send};

const REFRESH: &str = "/auth/refresh-token";

#[tokio::test]
async fn signing_up_and_in_answers_the_user_and_sets_the_cookie() {
    let gateway = Gateway::start().await;
    let body = json!({"name": "Ada", "email": "ada@example.com", "password": "long enough"});
    let answer = send(gateway.post("/auth/sign-up").json(&body)).await;
    assert_eq!(answer.status, 201);
    let view = answer.json();
    assert_eq!(view["accessToken"], "access");
    let user = json!({
        "id": BUYER, "name": "Ada", "email": "ada@example.com", "emailVerified": false, "secondFactor": false, "role": "NADMIN", "balance": 4_000_000,
        "salesCount": 0, "purchasesCount": 0, "amountGained": 0, "amountSpent": 0,
        "createdAt": "2025-06-15T15:06:40.123Z", "updatedAt": "2025-06-15T15:06:40.123Z",
    });
    assert_eq!(view["user"], user);
    let body = json!({"email": "ada@example.com", "password": "x"});
    let answer = send(gateway.post("/auth/sign-in").json(&body)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("set-cookie"),
        "refreshToken=first; HttpOnly; SameSite=Strict; Path=/api/v1/auth; Max-Age=604800; Secure"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    gateway.mesh.fail("SignIn", Code::InvalidCredentials);
    let answer = send(gateway.post("/auth/sign-in").json(&body)).await;
    assert_eq!(answer.problem(), (401, "invalid_credentials".to_owned()));
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert!(answer.headers.get("set-cookie").is_none());
}

#[tokio::test]
async fn the_refresh_token_is_exchanged_through_the_cookie() {
    let gateway = Gateway::start_with(&[("COOKIE_SECURE", "false")]).await;
    let bare = send(gateway.post(REFRESH)).await;
    assert_eq!(bare.problem(), (401, "invalid_refresh_token".to_owned()));
    let with = |token: &str| {
        let cookie = format!("a=b; refreshToken={token}");
        gateway.post(REFRESH).header("cookie", cookie)
    };
    let answer = send(with("first")).await;
    assert_eq!(answer.json(), json!({"accessToken": "access"}));
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("refreshToken=second;") && !cookie.contains("Secure"));
    assert_eq!(send(with("second")).await.problem().0, 401);
    let stranger = with("first").header("origin", "https://evil.example");
    assert_eq!(
        send(stranger).await.problem(),
        (403, "forbidden".to_owned())
    );
    let shop = with("first").header("origin", ORIGIN);
    assert_eq!(send(shop).await.status, 200);
}

#[tokio::test]
async fn signing_out_clears_the_cookie() {
    let gateway = Gateway::start().await;
    let request = gateway
        .post("/auth/sign-out")
        .header("cookie", "refreshToken=first");
    let answer = send(request).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("set-cookie").contains("refreshToken=; "));
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(send(gateway.post("/auth/sign-out")).await.status, 200);
    assert_eq!(gateway.mesh.take_calls(), ["SignOut"]);
    gateway.mesh.fail("SignOut", Code::InvalidRefreshToken);
    let request = gateway
        .post("/auth/sign-out")
        .header("cookie", "refreshToken=old");
    assert_eq!(send(request).await.status, 200, "over already");
    let all = gateway.signed_in(BUYER, Method::POST, "/auth/sign-out-all");
    assert_eq!(send(all).await.status, 200);
    assert_eq!(gateway.mesh.last_user().as_deref(), Some(BUYER));
}

#[tokio::test]
async fn changing_the_password_begins_a_new_session() {
    let gateway = Gateway::start().await;
    let change = |body: Value| {
        let request = gateway.signed_in(BUYER, Method::POST, "/auth/change-password");
        send(request.json(&body))
    };
    let answer = change(json!({"currentPassword": "old", "newPassword": "long enough"})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["accessToken"], "access");
    assert!(
        answer
            .header("set-cookie")
            .starts_with("refreshToken=second;")
    );
    assert_eq!(gateway.mesh.last_user().as_deref(), Some(BUYER));
    let refused = change(json!({"currentPassword": "", "newPassword": "short"})).await;
    let short = |field: &str| (field.to_owned(), "too_short".to_owned());
    assert_eq!(
        refused.failing(),
        [short("currentPassword"), short("newPassword")]
    );
    assert_eq!(gateway.mesh.count("ChangePassword"), 1);
}

#[tokio::test]
async fn only_good_tokens_pass() {
    let gateway = Gateway::start().await;
    let with = |name: &str, value: Value| {
        let mut claims = claims(BUYER, 900);
        claims[name] = value;
        gateway.keys.sign(&claims)
    };
    let good = gateway.keys.token(BUYER);
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let other_body = gateway.keys.token(SELLER);
    let other_body = other_body.split('.').nth(1).unwrap();
    let none = "eyJhbGciOiJub25lIiwia2lkIjoiZmlyc3QifQ";
    let hmac = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImZpcnN0In0";
    for (what, token) in [
        ("expired", gateway.keys.sign(&claims(BUYER, -10))),
        ("another issuer", with("iss", json!("somebody"))),
        ("another audience", with("aud", json!("elsewhere"))),
        ("no user", with("sub", json!("../me"))),
        ("not yet", with("nbf", json!(4_000_000_000_u64))),
        ("another key", Keys::new("first").token(BUYER)),
        ("an unknown key", Keys::new("second").token(BUYER)),
        ("changed claims", format!("{head}.{other_body}.{signature}")),
        ("no signature", format!("{head}.{body}.")),
        ("algorithm none", format!("{none}.{body}.")),
        ("algorithm HS256", format!("{hmac}.{body}.{signature}")),
        ("nothing", "x".to_owned()),
    ] {
        let answer = send(gateway.get("/orders").bearer_auth(token)).await;
        assert_eq!(
            answer.problem(),
            (401, "unauthenticated".to_owned()),
            "{what}"
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{what}");
    }
    for credentials in [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        &format!("Token {good}"),
    ] {
        let request = gateway.get("/orders").header("authorization", credentials);
        assert_eq!(send(request).await.problem().0, 401, "{credentials}");
    }
    let just_expired = gateway.keys.sign(&claims(BUYER, -2));
    for token in [good, just_expired] {
        let request = gateway
            .get("/orders")
            .header("authorization", format!("bearer {token}"));
        assert_eq!(send(request).await.status, 200);
        assert_eq!(gateway.mesh.user_of("ListOrders").as_deref(), Some(BUYER));
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_a_new_one_shows_up() {
    let gateway = Gateway::start().await;
    let many = (0..20).map(|_| send(gateway.signed_in(BUYER, Method::GET, "/orders")));
    for answer in futures::future::join_all(many).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(
        gateway.mesh.count("GetJwks"),
        1,
        "one asks, all wait for it"
    );
    let unknown = Keys::new("second");
    for _ in 0..5 {
        let request = gateway.get("/orders").bearer_auth(unknown.token(BUYER));
        assert_eq!(send(request).await.status, 401);
    }
    assert_eq!(
        gateway.mesh.count("GetJwks"),
        1,
        "not more than every ten seconds"
    );
    gateway.mesh.with(|state| state.keys.push(unknown.jwk()));
    eventually("the new key is known", async || {
        let request = gateway.get("/orders").bearer_auth(unknown.token(BUYER));
        (send(request).await.status == 200).then_some(())
    })
    .await;
    assert_eq!(gateway.mesh.count("GetJwks"), 2);
}

#[tokio::test]
async fn a_user_sees_everything_of_itself_and_little_of_others() {
    let gateway = Gateway::start().await;
    let me = send(gateway.signed_in(BUYER, Method::GET, "/auth/users/me")).await;
    assert_eq!(me.json()["email"], "ada@example.com");
    let own = format!("/auth/users/{BUYER}");
    let own = send(gateway.signed_in(BUYER, Method::GET, &own)).await;
    assert_eq!(own.json()["balance"], 4_000_000);
    let other = send(gateway.get(&format!("/auth/users/{SELLER}"))).await;
    let mut fields: Vec<_> = other.json().as_object().unwrap().keys().cloned().collect();
    fields.sort();
    let public = [
        "createdAt",
        "id",
        "name",
        "purchasesCount",
        "role",
        "salesCount",
        "updatedAt",
    ];
    assert_eq!(fields, public);
    assert_eq!(send(gateway.get("/auth/users/me")).await.problem().0, 401);
    assert_eq!(send(gateway.get("/auth/users/user_2abc")).await.status, 200);
    let bad = gateway
        .get(&format!("/auth/users/{SELLER}"))
        .bearer_auth("x");
    assert_eq!(
        send(bad).await.problem().0,
        401,
        "bad credentials are worse than none"
    );
    let all = send(gateway.get("/auth/find-all")).await;
    assert_eq!(
        (
            all.json().as_array().unwrap().len(),
            all.header("x-total-count")
        ),
        (2, "2")
    );
    assert!(!all.text.contains("email"));
}

#[tokio::test]
async fn roles_and_profiles_are_changed() {
    let gateway = Gateway::start().await;
    let role = || gateway.signed_in(BUYER, Method::POST, "/auth/update-user-role");
    let answer = send(role().json(&json!({"role": "ADMIN"}))).await;
    assert_eq!(answer.json()["role"], "ADMIN");
    gateway.mesh.fail("ChangeRole", Code::InsufficientBalance);
    let answer = send(role().json(&json!({"role": "ADMIN"}))).await;
    assert_eq!(answer.problem(), (400, "insufficient_balance".to_owned()));
    gateway.mesh.fail("ChangeRole", Code::AlreadyInRole);
    let answer = send(role().json(&json!({"role": "NADMIN"}))).await;
    assert_eq!(answer.problem(), (409, "already_in_role".to_owned()));
    let profile = gateway.signed_in(BUYER, Method::PATCH, "/auth/users/me");
    let answer = send(profile.json(&json!({"name": "Ada L."}))).await;
    assert_eq!(answer.status, 200);
    assert!(
        gateway
            .mesh
            .with(|state| state.last_change.contains("Ada L."))
    );
}

#[tokio::test]
async fn an_account_is_removed_by_a_message() {
    let gateway = Gateway::start().await;
    let answer = send(gateway.signed_in(BUYER, Method::DELETE, "/auth/users/me")).await;
    assert_eq!(answer.status, 202);
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    let message = gateway
        .next_message(reen_messaging::Delivery::decode::<AccountDeletionRequested>)
        .await;
    assert_eq!(message.user_id, BUYER);
    assert!(message.requested_at.is_some());
}
