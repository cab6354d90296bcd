//! Whether the address of an account is read by its user.

use reen_error::Code;
use reen_proto::auth::v1::{
    IssuedLetter, LetterKind, RequestEmailVerificationRequest, UpdateProfileRequest, User,
    VerifyEmailRequest, VerifyEmailResponse,
};
use reen_testkit::{acting_for, body, code, eventually};
use tonic::{Response, Status};

use crate::support::{Auth, Letters, address_of};

const KIND: LetterKind = LetterKind::EmailVerification;

async fn verify(
    auth: &Auth,
    letter: &IssuedLetter,
) -> Result<Response<VerifyEmailResponse>, Status> {
    let token = letter.token.clone();
    auth.recovery()
        .verify_email(VerifyEmailRequest { token })
        .await
}

async fn move_to(auth: &Auth, id: &str, email: String) -> User {
    let asked = UpdateProfileRequest {
        email: Some(email),
        ..UpdateProfileRequest::default()
    };
    body(acting_for(id, auth.gateway().update_profile(asked)).await)
}

async fn ask_again(auth: &Auth, id: &str) {
    let asked = RequestEmailVerificationRequest {};
    body(acting_for(id, auth.recovery().request_email_verification(asked)).await);
}

#[tokio::test]
async fn who_signs_up_gets_a_letter_that_verifies_the_address_once() {
    let auth = Auth::start().await;
    let user = auth.sign_up("ada").await.user.unwrap();
    assert!(!user.email_verified);
    eventually("the message to go out", async || {
        (auth.messages().await == 1).then_some(())
    })
    .await;
    let letter = Letters(&auth).of("ada", KIND).await.unwrap();
    assert_eq!(letter.kind(), KIND);
    body(verify(&auth, &letter).await);
    assert!(auth.user(&user.id).await.email_verified);
    assert_eq!(code(verify(&auth, &letter).await), Code::InvalidToken);
    let asked = VerifyEmailRequest {
        token: "invented".to_owned(),
    };
    let invented = auth.recovery().verify_email(asked).await;
    assert_eq!(code(invented), Code::InvalidToken);
}

#[tokio::test]
async fn another_address_is_verified_anew_and_the_same_is_not() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let letters = Letters(&auth);
    body(verify(&auth, &letters.of("ada", KIND).await.unwrap()).await);
    let shouted = address_of("ada").to_uppercase();
    assert!(move_to(&auth, &id, shouted).await.email_verified);
    let moved = move_to(&auth, &id, address_of("eve")).await;
    assert!(!moved.email_verified);
    let letter = letters.of("eve", KIND).await.unwrap();
    assert_eq!(letter.email, address_of("eve"));
    body(verify(&auth, &letter).await);
    assert!(auth.user(&id).await.email_verified);
}

#[tokio::test]
async fn a_letter_to_an_address_that_was_left_proves_nothing() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let letters = Letters(&auth);
    let letter = letters.of("ada", KIND).await.unwrap();
    move_to(&auth, &id, address_of("eve")).await;
    assert_eq!(code(verify(&auth, &letter).await), Code::InvalidToken);
    assert!(!auth.user(&id).await.email_verified);
}

#[tokio::test]
async fn a_name_that_looks_like_a_field_is_a_name() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let asked = UpdateProfileRequest {
        name: Some("$emailKey".to_owned()),
        email: Some("$$NOW@example.com".to_owned()),
    };
    let user = body(acting_for(&id, auth.gateway().update_profile(asked)).await);
    assert_eq!(user.name, "$emailKey");
    assert_eq!(user.email, "$$NOW@example.com");
}

#[tokio::test]
async fn whoever_lost_the_letter_asks_for_another_until_the_address_is_verified() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let letters = Letters(&auth);
    letters.stored().delete_many(bson::doc! {}).await.unwrap();
    ask_again(&auth, &id).await;
    body(verify(&auth, &letters.of("ada", KIND).await.unwrap()).await);
    ask_again(&auth, &id).await;
    let left = letters.stored().count_documents(bson::doc! {}).await;
    assert_eq!(left.unwrap(), 0, "there is nothing to verify");
    let asked = RequestEmailVerificationRequest {};
    let nobody = auth.recovery().request_email_verification(asked).await;
    assert_eq!(code(nobody), Code::Unauthenticated);
}
