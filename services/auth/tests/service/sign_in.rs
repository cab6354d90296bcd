use std::time::Duration;

use reen_error::Code;
use reen_proto::auth::v1::{Session, SignInRequest};
use reen_testkit::{body, eventually, refusal};
use tokio::time::Instant;
use tonic::{Response, Status};

use crate::support::{Auth, PASSWORD};

const FEWEST_TRIES: usize = 10;

async fn sign_in(auth: &Auth, email: &str, password: &str) -> Result<Response<Session>, Status> {
    let asked = SignInRequest {
        email: email.to_owned(),
        password: password.to_owned(),
        ..SignInRequest::default()
    };
    auth.gateway().sign_in(asked).await
}

#[tokio::test]
async fn the_right_password_opens_a_session_of_its_own() {
    let auth = Auth::start().await;
    let first = auth.sign_up("ada").await;
    let second = body(sign_in(&auth, " ADA@example.com ", PASSWORD).await);
    assert_eq!(second.user, first.user);
    assert_ne!(second.refresh_token, first.refresh_token);
    assert_ne!(second.access_token, first.access_token);
}

#[tokio::test]
async fn unknown_address_and_wrong_password_are_refused_alike() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    let wrong = refusal(sign_in(&auth, "ada@example.com", "battery staple").await);
    assert_eq!(wrong.code, Code::InvalidCredentials);
    for email in ["eve@example.com", "", "not an address", &"x".repeat(5_000)] {
        let unknown = refusal(sign_in(&auth, email, PASSWORD).await);
        assert_eq!(unknown, wrong);
    }
}

/// The fastest of several tries is what the work itself takes. Without a hash to verify it would be a
/// small part of that; other processes on the machine may take their share for a while.
#[tokio::test]
async fn an_unknown_address_takes_as_long_as_a_wrong_password() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    let (mut tries, mut fastest) = (0, [Duration::MAX; 2]);
    eventually("both to take as long", async || {
        tries += 1;
        for (name, fastest) in ["ada", "eve"].iter().zip(&mut fastest) {
            let begun = Instant::now();
            let email = format!("{name}@example.com");
            refusal(sign_in(&auth, &email, "battery staple").await);
            *fastest = begun.elapsed().min(*fastest);
        }
        let [known, unknown] = fastest;
        let is_alike = unknown > known / 2 && known > unknown / 2;
        (is_alike && tries >= FEWEST_TRIES).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_signs_in_elsewhere_has_no_password_here() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let id = bson::oid::ObjectId::parse_str(id).unwrap();
    auth.users()
        .update_one(
            bson::doc! {"_id": id},
            bson::doc! {"$unset": {"passwordHash": ""}},
        )
        .await
        .unwrap();
    for password in ["", PASSWORD] {
        let refused = refusal(sign_in(&auth, "ada@example.com", password).await);
        assert_eq!(refused.code, Code::InvalidCredentials);
    }
}
