//! An account that was made here and a Clerk user with the same address.

use bson::{Document, doc};
use reen_error::Code;
use reen_proto::auth::v1::{
    FindContactsRequest, LetterKind, RefreshSessionRequest, SetOperatorRequest, SignInRequest,
    SignUpRequest, SyncClerkUserRequest, VerifyEmailRequest,
};
use reen_proto::time::from_millis;
use reen_testkit::{body, code, saga_operation};

use crate::clerk::sync;
use crate::support::{Auth, Letters, PASSWORD, STARTING_CENTS, address_of, check_books, nobody};

/// A user of Clerk whose address is proved, at one second of time.
fn clerk_user(clerk_id: &str, email: &str, second: i64) -> SyncClerkUserRequest {
    let saga = format!("clerk-user-synced:msg_{}", nobody());
    SyncClerkUserRequest {
        operation: saga_operation(format!("{saga}/sync-user"), saga, 1),
        clerk_id: clerk_id.to_owned(),
        name: "Ada of Clerk".to_owned(),
        email: email.to_owned(),
        updated_at: Some(from_millis(second * 1_000)),
        email_verified: true,
    }
}

fn claimed(user: SyncClerkUserRequest) -> SyncClerkUserRequest {
    SyncClerkUserRequest {
        email_verified: false,
        ..user
    }
}

async fn email_key(auth: &Auth, id: &str) -> Option<String> {
    let stored = auth.stored_user(id).await;
    stored.get_str("emailKey").ok().map(str::to_owned)
}

#[tokio::test]
async fn whoever_proves_the_address_gets_the_account_with_what_it_holds() {
    let auth = Auth::start().await;
    let id = auth.seller("ada").await;
    let before = auth.sums(&id).await;
    let shouted = address_of("ada").to_uppercase();
    for second in 1..3 {
        let user = clerk_user("user_1", &shouted, second);
        assert_eq!(sync(&auth, user).await, id);
    }
    assert_eq!(auth.sums(&id).await, before, "nothing is opened again");
    let user = auth.user(&id).await;
    assert_eq!(user.clerk_id.as_deref(), Some("user_1"));
    assert_eq!(
        (user.name, user.email),
        ("Ada of Clerk".to_owned(), shouted)
    );
    assert_eq!(email_key(&auth, &id).await, Some(address_of("ada")));
    check_books(&auth.database).await;
}

#[tokio::test]
async fn whoever_made_the_account_without_proving_the_address_is_out() {
    let auth = Auth::start().await;
    let squatter = auth.sign_up("ada").await;
    let id = squatter.user.unwrap().id;
    let rightful = clerk_user("user_1", &address_of("ada"), 1);
    assert_eq!(sync(&auth, rightful).await, id);

    let refresh = RefreshSessionRequest {
        refresh_token: squatter.refresh_token,
    };
    let refused = auth.gateway().refresh_session(refresh).await;
    assert_eq!(code(refused), Code::InvalidRefreshToken);
    let sign_in = SignInRequest {
        email: address_of("ada"),
        password: PASSWORD.to_owned(),
        ..SignInRequest::default()
    };
    let refused = auth.gateway().sign_in(sign_in).await;
    assert_eq!(code(refused), Code::InvalidCredentials);
    let tokens = auth.database.collection::<Document>("sessions");
    assert_eq!(tokens.count_documents(doc! {}).await.unwrap(), 0);
}

#[tokio::test]
async fn whoever_proved_the_address_here_as_well_stays_signed_in() {
    let auth = Auth::start().await;
    let own = auth.sign_up("ada").await;
    let letter = Letters(&auth)
        .of("ada", LetterKind::EmailVerification)
        .await;
    let asked = VerifyEmailRequest {
        token: letter.unwrap().token,
    };
    body(auth.recovery().verify_email(asked).await);
    let id = own.user.unwrap().id;
    let same = sync(&auth, clerk_user("user_1", &address_of("ada"), 1)).await;
    assert_eq!(same, id);
    let refresh = RefreshSessionRequest {
        refresh_token: own.refresh_token,
    };
    body(auth.gateway().refresh_session(refresh).await);
    let sign_in = SignInRequest {
        email: address_of("ada"),
        password: PASSWORD.to_owned(),
        ..SignInRequest::default()
    };
    body(auth.gateway().sign_in(sign_in).await);
}

#[tokio::test]
async fn clerk_says_whether_the_address_of_its_users_is_verified() {
    let auth = Auth::start().await;
    let proved = sync(&auth, clerk_user("user_1", &address_of("ada"), 1)).await;
    assert!(auth.user(&proved).await.email_verified);
    let user = claimed(clerk_user("user_1", &address_of("eve"), 2));
    assert_eq!(sync(&auth, user).await, proved);
    assert!(!auth.user(&proved).await.email_verified);
}

#[tokio::test]
async fn an_address_that_is_only_claimed_opens_an_account_apart() {
    let auth = Auth::start().await;
    let own = auth.sign_up("ada").await;
    let id = own.user.unwrap().id;
    let stranger = claimed(clerk_user("user_1", &address_of("ada"), 1));
    let apart = sync(&auth, stranger).await;
    assert_ne!(apart, id);
    assert_eq!(email_key(&auth, &apart).await, None);
    assert_eq!(auth.sums(&apart).await, (STARTING_CENTS, 0, 0));
    let refresh = RefreshSessionRequest {
        refresh_token: own.refresh_token,
    };
    body(auth.gateway().refresh_session(refresh).await);
    // Both are written to where they say.
    let ids = vec![id, apart];
    let asked = FindContactsRequest { ids };
    let found = body(auth.sagas().find_contacts(asked).await);
    assert_eq!(found.contacts.len(), 2);
}

#[tokio::test]
async fn a_claimed_address_is_not_taken_from_who_signs_up_later() {
    let auth = Auth::start().await;
    let stranger = claimed(clerk_user("user_1", &address_of("ada"), 1));
    sync(&auth, stranger).await;
    auth.sign_up("ada").await;
}

#[tokio::test]
async fn a_proved_address_is_taken() {
    let auth = Auth::start().await;
    sync(&auth, clerk_user("user_1", &address_of("ada"), 1)).await;
    let asked = SignUpRequest {
        name: "ada".to_owned(),
        email: address_of("ada"),
        password: PASSWORD.to_owned(),
        ..SignUpRequest::default()
    };
    let refused = auth.gateway().sign_up(asked).await;
    assert_eq!(code(refused), Code::EmailTaken);
}

#[tokio::test]
async fn an_operator_and_another_clerk_user_stay_apart() {
    let auth = Auth::start().await;
    let operator = auth.buyer("ada").await;
    let grant = SetOperatorRequest {
        email: address_of("ada"),
        operator: true,
    };
    body(auth.called_from("reen").set_operator(grant).await);
    let apart = sync(&auth, clerk_user("user_1", &address_of("ada"), 1)).await;
    assert_ne!(apart, operator);
    assert_eq!(email_key(&auth, &operator).await, Some(address_of("ada")));

    let first = sync(&auth, clerk_user("user_2", "eve@example.com", 1)).await;
    let second = sync(&auth, clerk_user("user_3", "eve@example.com", 1)).await;
    assert_ne!(first, second);
    assert_eq!(email_key(&auth, &second).await, None);
}

#[tokio::test]
async fn a_known_user_moves_to_another_address() {
    let auth = Auth::start().await;
    auth.buyer("eve").await;
    let id = sync(&auth, clerk_user("user_1", "ada@example.com", 1)).await;
    sync(&auth, clerk_user("user_1", "new@example.com", 2)).await;
    assert_eq!(
        email_key(&auth, &id).await.as_deref(),
        Some("new@example.com")
    );
    auth.buyer("ada").await;
    // Two accounts stay two, and the address leads to the one that had it.
    let same = sync(&auth, clerk_user("user_1", &address_of("eve"), 3)).await;
    assert_eq!(same, id);
    assert_eq!(email_key(&auth, &id).await, None);
    assert_eq!(auth.user(&id).await.email, address_of("eve"));
    check_books(&auth.database).await;
}
