//! A new password for whoever reads the letter.

use bson::{DateTime, doc};
use futures::future::join_all;
use reen_error::Code;
use reen_proto::auth::v1::{
    ChangePasswordRequest, Client, IssuedLetter, LetterKind, RefreshSessionRequest,
    RequestPasswordResetRequest, ResetPasswordRequest, ResetPasswordResponse, Session,
    SignInRequest,
};
use reen_testkit::{acting_for, body, code, eventually};
use tonic::{Response, Status};

use crate::support::{Auth, Letters, PASSWORD, address_of, fields};

const NEW: &str = "correct donkey";

async fn reset(
    auth: &Auth,
    letter: &IssuedLetter,
    password: &str,
) -> Result<Response<ResetPasswordResponse>, Status> {
    let asked = ResetPasswordRequest {
        token: letter.token.clone(),
        new_password: password.to_owned(),
        client: Some(Client::default()),
    };
    auth.recovery().reset_password(asked).await
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
    let refresh_token = session.refresh_token;
    let asked = RefreshSessionRequest { refresh_token };
    auth.gateway().refresh_session(asked).await
}

#[tokio::test]
async fn a_letter_leads_to_a_new_password_once_and_every_session_is_over() {
    let auth = Auth::start().await;
    let before = auth.sign_up("ada").await;
    let letter = Letters(&auth).reset("ada").await;
    assert_eq!(letter.kind(), LetterKind::PasswordReset);
    assert_eq!(
        (letter.name.as_str(), letter.email),
        ("ada", address_of("ada"))
    );
    let letter = Letters(&auth).reset("ada").await;
    let session = body(reset(&auth, &letter, NEW).await).session.unwrap();
    assert_eq!(
        session.user.as_ref().unwrap().id,
        before.user.as_ref().unwrap().id
    );
    assert!(
        session.user.as_ref().unwrap().email_verified,
        "the letter was read"
    );
    assert!(!session.device_token.is_empty());
    let over = refresh(&auth, before).await;
    assert_eq!(code(over), Code::InvalidRefreshToken);
    body(refresh(&auth, session).await);
    let old = sign_in(&auth, PASSWORD).await;
    assert_eq!(code(old), Code::InvalidCredentials);
    body(sign_in(&auth, NEW).await);
    let again = reset(&auth, &letter, "another donkey").await;
    assert_eq!(code(again), Code::InvalidToken);
    body(sign_in(&auth, NEW).await);
}

#[tokio::test]
async fn what_is_asked_for_is_sent_and_at_most_one_in_a_minute() {
    let auth = Auth::start().await;
    let letters = Letters(&auth);
    join_all((0..5).map(|_| letters.ask_reset("ada"))).await;
    let stored = letters.stored();
    let count = stored.count_documents(doc! {}).await.unwrap();
    // A new minute may have begun meanwhile.
    assert!(count == 1 || count == 2, "{count}");
    eventually("the messages to go out", async || {
        (auth.messages().await == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn who_has_no_account_or_no_password_here_is_not_written_to() {
    let auth = Auth::start().await;
    let letters = Letters(&auth);
    letters.ask_reset("eve").await;
    let nobody = letters.of("eve", LetterKind::PasswordReset).await;
    assert_eq!(nobody, None);
    let id = auth.buyer("ada").await;
    let id = bson::oid::ObjectId::parse_str(id).unwrap();
    let of_clerk = doc! {"$unset": {"passwordHash": ""}};
    auth.users()
        .update_one(doc! {"_id": id}, of_clerk)
        .await
        .unwrap();
    letters.ask_reset("ada").await;
    let elsewhere = letters.of("ada", LetterKind::PasswordReset).await;
    assert_eq!(elsewhere, None);
    let asked = RequestPasswordResetRequest {
        email: "no address".to_owned(),
    };
    let malformed = auth.recovery().request_password_reset(asked).await;
    assert_eq!(
        fields(malformed),
        [("email".to_owned(), "not_an_email".to_owned())]
    );
}

#[tokio::test]
async fn a_letter_that_is_written_again_voids_the_token_of_the_first() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    let first = Letters(&auth).reset("ada").await;
    let second = Letters(&auth).of("ada", LetterKind::PasswordReset).await;
    let refused = reset(&auth, &first, NEW).await;
    assert_eq!(code(refused), Code::InvalidToken);
    body(reset(&auth, &second.unwrap(), NEW).await);
}

#[tokio::test]
async fn a_runner_that_was_replaced_voids_nothing() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    let letters = Letters(&auth);
    letters.ask_reset("ada").await;
    let id = letters.id_of("ada", LetterKind::PasswordReset).await;
    let letter = letters.issue(id, 2).await.unwrap();
    let stale = letters.sagas().issue_token(Letters::step(id, 1)).await;
    assert_eq!(code(stale), Code::StaleEpoch);
    body(reset(&auth, &letter, NEW).await);
}

#[tokio::test]
async fn of_several_uses_at_the_same_time_one_counts() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    let letter = Letters(&auth).reset("ada").await;
    let passwords = ["the first donkey", "the second donkey", "the third donkey"];
    let uses = passwords.map(|password| reset(&auth, &letter, password));
    let outcomes = join_all(uses).await;
    let won: Vec<_> = passwords.iter().zip(&outcomes).collect();
    let won: Vec<_> = won
        .into_iter()
        .filter(|(_, outcome)| outcome.is_ok())
        .collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    body(sign_in(&auth, won[0].0).await);
}

#[tokio::test]
async fn a_token_that_is_late_invented_or_of_another_kind_is_refused() {
    let auth = Auth::start().await;
    auth.sign_up("ada").await;
    let letters = Letters(&auth);
    let other = letters.of("ada", LetterKind::EmailVerification).await;
    assert_eq!(
        code(reset(&auth, &other.unwrap(), NEW).await),
        Code::InvalidToken
    );
    let mut letter = letters.reset("ada").await;
    let short = reset(&auth, &letter, "short").await;
    assert_eq!(
        fields(short),
        [("newPassword".to_owned(), "too_short".to_owned())]
    );
    let late = doc! {"$set": {"expiresAt": DateTime::now()}};
    letters.stored().update_many(doc! {}, late).await.unwrap();
    assert_eq!(code(reset(&auth, &letter, NEW).await), Code::InvalidToken);
    letter.token = "invented".to_owned();
    assert_eq!(code(reset(&auth, &letter, NEW).await), Code::InvalidToken);
    body(sign_in(&auth, PASSWORD).await);
}

#[tokio::test]
async fn whoever_changes_the_password_voids_the_letters() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let letter = Letters(&auth).reset("ada").await;
    let asked = ChangePasswordRequest {
        current_password: PASSWORD.to_owned(),
        new_password: NEW.to_owned(),
    };
    body(acting_for(&id, auth.gateway().change_password(asked)).await);
    let late = reset(&auth, &letter, "another donkey").await;
    assert_eq!(code(late), Code::InvalidToken);
}
