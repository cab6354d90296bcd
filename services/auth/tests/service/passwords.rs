//! A password is changed by whoever knows it, and every session ends with it.

use reen_error::Code;
use reen_proto::auth::v1::{ChangePasswordRequest, RefreshSessionRequest, Session, SignInRequest};
use reen_testkit::{acting_for, body, code};
use tonic::{Response, Status};

use crate::support::{Auth, PASSWORD, address_of, fields};

const NEW: &str = "correct donkey";

async fn change(
    auth: &Auth,
    user_id: &str,
    current: &str,
    new: &str,
) -> Result<Response<Session>, Status> {
    let asked = ChangePasswordRequest {
        current_password: current.to_owned(),
        new_password: new.to_owned(),
    };
    acting_for(user_id, auth.gateway().change_password(asked)).await
}

async fn sign_in(auth: &Auth, password: &str) -> Result<Response<Session>, Status> {
    let asked = SignInRequest {
        email: address_of("ada"),
        password: password.to_owned(),
        ..SignInRequest::default()
    };
    auth.gateway().sign_in(asked).await
}

async fn refresh(auth: &Auth, session: Session) -> Result<Response<Session>, Status> {
    let asked = RefreshSessionRequest {
        refresh_token: session.refresh_token,
    };
    auth.gateway().refresh_session(asked).await
}

fn wrong() -> Vec<(String, String)> {
    vec![("currentPassword".to_owned(), "wrong".to_owned())]
}

#[tokio::test]
async fn the_new_password_is_the_only_one_and_every_session_is_over() {
    let auth = Auth::start().await;
    let before = auth.sign_up("ada").await;
    let other_device = body(sign_in(&auth, PASSWORD).await);
    let id = before.user.clone().unwrap().id;
    let session = body(change(&auth, &id, PASSWORD, NEW).await);
    assert_eq!(session.user.as_ref().unwrap().id, id);
    for old in [before, other_device] {
        let refused = refresh(&auth, old).await;
        assert_eq!(code(refused), Code::InvalidRefreshToken);
    }
    body(refresh(&auth, session).await);
    assert_eq!(
        code(sign_in(&auth, PASSWORD).await),
        Code::InvalidCredentials
    );
    body(sign_in(&auth, NEW).await);
}

#[tokio::test]
async fn who_does_not_know_it_changes_nothing() {
    let auth = Auth::start().await;
    let session = auth.sign_up("ada").await;
    let id = session.user.clone().unwrap().id;
    assert_eq!(fields(change(&auth, &id, "guessed", NEW).await), wrong());
    let short = fields(change(&auth, &id, PASSWORD, "short").await);
    assert_eq!(short, [("newPassword".to_owned(), "too_short".to_owned())]);
    body(refresh(&auth, session).await);
    body(sign_in(&auth, PASSWORD).await);
    let asked = ChangePasswordRequest::default();
    let nobody = auth.gateway().change_password(asked).await;
    assert_eq!(code(nobody), Code::Unauthenticated);
}

#[tokio::test]
async fn of_two_changes_at_the_same_time_one_counts() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let both = ["first new one", "second new one"];
    let [first, second] = both.map(|new| change(&auth, &id, PASSWORD, new));
    let (first, second) = tokio::join!(first, second);
    let (won, lost) = match (first, second) {
        (Ok(_), Err(lost)) => (both[0], lost),
        (Err(lost), Ok(_)) => (both[1], lost),
        other => panic!("{other:?}"),
    };
    assert_eq!(fields(Err::<(), _>(lost)), wrong());
    body(sign_in(&auth, won).await);
}
