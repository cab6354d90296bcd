use bson::{DateTime, Document, doc};
use futures::future::join_all;
use reen_error::Code;
use reen_mongo::Collection;
use reen_proto::auth::v1::{
    RefreshSessionRequest, Session, SignInRequest, SignOutEverywhereRequest, SignOutRequest,
};
use reen_proto::time::to_millis;
use reen_testkit::{acting_for, body, code};
use tonic::{Response, Status};

use crate::support::{Auth, PASSWORD};

async fn refresh(auth: &Auth, token: &str) -> Result<Response<Session>, Status> {
    let asked = RefreshSessionRequest {
        refresh_token: token.to_owned(),
    };
    auth.gateway().refresh_session(asked).await
}

async fn sign_out(auth: &Auth, token: &str) {
    let asked = SignOutRequest {
        refresh_token: token.to_owned(),
    };
    body(auth.gateway().sign_out(asked).await);
}

async fn is_over(auth: &Auth, token: &str) -> bool {
    match refresh(auth, token).await {
        Ok(_) => false,
        refused => {
            assert_eq!(code(refused), Code::InvalidRefreshToken);
            true
        }
    }
}

fn tokens(auth: &Auth) -> Collection<Document> {
    auth.database.collection("sessions")
}

#[tokio::test]
async fn a_token_is_exchanged_for_the_next() {
    let auth = Auth::start().await;
    let first = auth.sign_up("ada").await;
    let week = 7 * 24 * 60 * 60 * 1_000;
    let lifetime =
        to_millis(&first.refresh_expires_at.unwrap()) - DateTime::now().timestamp_millis();
    assert!(lifetime <= week && lifetime > week - 60_000, "{lifetime}");
    let second = body(refresh(&auth, &first.refresh_token).await);
    assert_eq!(second.user, first.user);
    assert_ne!(second.refresh_token, first.refresh_token);
    let third = body(refresh(&auth, &second.refresh_token).await);
    assert!(!is_over(&auth, &third.refresh_token).await);
}

#[tokio::test]
async fn a_token_that_comes_again_ends_its_family_and_no_other() {
    let auth = Auth::start().await;
    let first = auth.sign_up("ada").await;
    let elsewhere = SignInRequest {
        email: "ada@example.com".to_owned(),
        password: PASSWORD.to_owned(),
        ..SignInRequest::default()
    };
    let elsewhere = body(auth.gateway().sign_in(elsewhere).await);
    let second = body(refresh(&auth, &first.refresh_token).await);
    let third = body(refresh(&auth, &second.refresh_token).await);

    assert!(is_over(&auth, &first.refresh_token).await);
    assert!(is_over(&auth, &third.refresh_token).await);
    assert!(is_over(&auth, &second.refresh_token).await);
    assert!(!is_over(&auth, &elsewhere.refresh_token).await);
}

#[tokio::test]
async fn of_copies_presented_at_once_one_is_exchanged_and_the_family_ends() {
    let auth = Auth::start().await;
    let token = auth.sign_up("ada").await.refresh_token;
    let outcomes = join_all((0..8).map(|_| refresh(&auth, &token))).await;
    let got: Vec<_> = outcomes.into_iter().flatten().collect();
    assert_eq!(got.len(), 1);
    for session in got {
        assert!(is_over(&auth, &session.into_inner().refresh_token).await);
    }
    assert_eq!(tokens(&auth).count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn unknown_and_expired_tokens_are_refused() {
    let auth = Auth::start().await;
    for unknown in ["", "no token", &"x".repeat(10_000)] {
        assert!(is_over(&auth, unknown).await);
    }
    let token = auth.sign_up("ada").await.refresh_token;
    let just_now = DateTime::from_millis(DateTime::now().timestamp_millis() - 1_000);
    // The server forgets expired tokens once a minute, so they may still be there.
    let expired = doc! {"$set": {"expiresAt": just_now}};
    tokens(&auth).update_many(doc! {}, expired).await.unwrap();
    assert!(is_over(&auth, &token).await);
}

#[tokio::test]
async fn signing_out_ends_the_family_and_can_be_repeated() {
    let auth = Auth::start().await;
    let first = auth.sign_up("ada").await;
    let second = body(refresh(&auth, &first.refresh_token).await);
    for token in [&second.refresh_token, &second.refresh_token, "nobody's"] {
        sign_out(&auth, token).await;
    }
    assert!(is_over(&auth, &second.refresh_token).await);
    assert_eq!(tokens(&auth).count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn an_exchanged_token_still_signs_out() {
    let auth = Auth::start().await;
    let first = auth.sign_up("ada").await;
    let second = body(refresh(&auth, &first.refresh_token).await);
    sign_out(&auth, &first.refresh_token).await;
    assert!(is_over(&auth, &second.refresh_token).await);
}

#[tokio::test]
async fn signing_out_everywhere_ends_all_sessions_of_one_user() {
    let auth = Auth::start().await;
    let ada = auth.sign_up("ada").await;
    let eve = auth.sign_up("eve").await;
    let id = ada.user.unwrap().id;
    for _ in 0..2 {
        let everywhere = SignOutEverywhereRequest {};
        body(acting_for(&id, auth.gateway().sign_out_everywhere(everywhere)).await);
    }
    assert!(is_over(&auth, &ada.refresh_token).await);
    assert!(!is_over(&auth, &eve.refresh_token).await);
}

#[tokio::test]
async fn no_token_outlives_its_family() {
    let auth = Auth::start().await;
    for round in 0..10 {
        let session = auth.sign_up(&format!("ada{round}")).await;
        let token = session.refresh_token;
        let (refreshed, ()) = tokio::join!(refresh(&auth, &token), sign_out(&auth, &token));
        if let Ok(session) = refreshed {
            assert!(is_over(&auth, &session.into_inner().refresh_token).await);
        }
    }
    assert_eq!(tokens(&auth).count_documents(doc! {}).await.unwrap(), 0);
}
