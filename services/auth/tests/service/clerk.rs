//! Users of Clerk, as sagas tell of them: late, twice, in any order, and for good.

use bson::{Document, doc};
use reen_error::Code;
use reen_proto::auth::v1::get_user_response::View;
use reen_proto::auth::v1::{
    AnonymiseUserRequest, ForgetClerkUserRequest, GetUserRequest, SyncClerkUserRequest,
};
use reen_proto::time::from_millis;
use reen_testkit::{body, code, saga_operation};

use crate::support::{Auth, STARTING_CENTS, check_books, nobody};

const CLERK_ID: &str = "user_2a9Xk3";

/// Each change comes with an event of its own, and that has a saga of its own.
fn change(name: &str, updated_at: i64) -> SyncClerkUserRequest {
    let saga = format!("clerk-user-synced:msg_{}", nobody());
    SyncClerkUserRequest {
        operation: saga_operation(format!("{saga}/sync-user"), saga, 1),
        clerk_id: CLERK_ID.to_owned(),
        name: name.to_owned(),
        email: "ada@example.com".to_owned(),
        updated_at: Some(from_millis(updated_at)),
        email_verified: true,
    }
}

fn deletion() -> ForgetClerkUserRequest {
    let saga = format!("clerk-user-deleted:msg_{}", nobody());
    ForgetClerkUserRequest {
        operation: saga_operation(format!("{saga}/forget-clerk-user"), saga, 1),
        clerk_id: CLERK_ID.to_owned(),
    }
}

pub(crate) async fn sync(auth: &Auth, change: SyncClerkUserRequest) -> String {
    body(auth.sagas().sync_clerk_user(change).await).user_id
}

async fn forget(auth: &Auth) -> Option<String> {
    body(auth.sagas().forget_clerk_user(deletion()).await).user_id
}

async fn leave(auth: &Auth, user_id: &str) {
    let farewell = AnonymiseUserRequest {
        operation: saga_operation("bye", format!("account-deleted:{user_id}"), 1),
        user_id: user_id.to_owned(),
    };
    body(auth.sagas().anonymise_user(farewell).await);
}

async fn name_of(auth: &Auth) -> String {
    let id = CLERK_ID.to_owned();
    let found = body(auth.gateway().get_user(GetUserRequest { id }).await);
    match found.view {
        Some(View::Public(user)) => user.name,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_clerk_user_becomes_a_buyer_with_an_opened_account() {
    let auth = Auth::start().await;
    let id = sync(&auth, change("Ada", 1_000)).await;
    let user = auth.user(&id).await;
    assert_eq!(user.clerk_id.as_deref(), Some(CLERK_ID));
    assert_eq!(user.email, "ada@example.com");
    assert_eq!(auth.sums(&id).await, (STARTING_CENTS, 0, 0));
    let stored = auth.stored_user(&id).await;
    assert_eq!(stored.get_str("role").unwrap(), "BUYER");
    assert!(!stored.contains_key("passwordHash"));
    check_books(&auth.database).await;
}

#[tokio::test]
async fn the_newest_change_wins_in_whatever_order_they_come() {
    let auth = Auth::start().await;
    let id = sync(&auth, change("Second", 2_000)).await;
    assert_eq!(sync(&auth, change("First", 1_000)).await, id);
    assert_eq!(name_of(&auth).await, "Second");
    assert_eq!(sync(&auth, change("Other", 2_000)).await, id, "a repeat");
    assert_eq!(name_of(&auth).await, "Second");
    assert_eq!(sync(&auth, change("Third", 3_000)).await, id);
    assert_eq!(name_of(&auth).await, "Third");
    assert_eq!(auth.postings().count_documents(doc! {}).await.unwrap(), 1);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn events_at_the_same_time_make_one_user() {
    let auth = Auth::start().await;
    let changes = (1..=8).map(|second| {
        let auth = auth.clone();
        tokio::spawn(async move { sync(&auth, change(&format!("Ada {second}"), second)).await })
    });
    let mut ids = Vec::new();
    for change in changes.collect::<Vec<_>>() {
        ids.push(change.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(name_of(&auth).await, "Ada 8");
    assert_eq!(auth.users().count_documents(doc! {}).await.unwrap(), 2);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn who_was_deleted_stays_deleted() {
    let auth = Auth::start().await;
    let id = sync(&auth, change("Ada", 1_000)).await;
    for _again in 0..2 {
        assert_eq!(forget(&auth).await.as_deref(), Some(id.as_str()));
    }
    assert_eq!(sync(&auth, change("Back", 9_000)).await, "");
    assert_eq!(name_of(&auth).await, "Ada", "until the saga comes to it");
    leave(&auth, &id).await;
    assert_eq!(forget(&auth).await, None);
    assert_eq!(sync(&auth, change("Back", 9_000)).await, "");
}

#[tokio::test]
async fn who_was_deleted_before_being_heard_of_never_comes() {
    let auth = Auth::start().await;
    assert_eq!(forget(&auth).await, None);
    assert_eq!(sync(&auth, change("Late", i64::from(i32::MAX))).await, "");
    assert_eq!(auth.users().count_documents(doc! {}).await.unwrap(), 1);
}

#[tokio::test]
async fn a_deletion_and_a_change_at_the_same_time_leave_nobody_behind() {
    for round in 0..8 {
        let auth = Auth::start().await;
        let (changed, _) = tokio::join!(sync(&auth, change("Ada", 1_000)), forget(&auth));
        if changed.is_empty() {
            continue;
        }
        let known = forget(&auth).await;
        assert_eq!(known, Some(changed), "round {round}: the saga finds it");
    }
}

#[tokio::test]
async fn a_change_does_not_bring_back_who_left_here() {
    let auth = Auth::start().await;
    let id = sync(&auth, change("Ada", 1_000)).await;
    leave(&auth, &id).await;
    assert_eq!(sync(&auth, change("Back", 2_000)).await, "");
    let stored = auth.stored_user(&id).await;
    assert_eq!(stored.get_str("name").unwrap(), "Anonymous");
    let notes = auth.database.collection::<Document>("clerk_users");
    let note = notes.find_one(doc! {}).await.unwrap().unwrap();
    let bytes = bson::serialize_to_vec(&note).unwrap();
    let id = CLERK_ID.as_bytes();
    assert!(!bytes.windows(id.len()).any(|part| part == id), "{note}");
}

#[tokio::test]
async fn what_cannot_be_written_to_is_no_address() {
    let auth = Auth::start().await;
    for email in ["", "no address"] {
        let mut homeless = change("Ada", 1_000);
        homeless.email = email.to_owned();
        let id = sync(&auth, homeless).await;
        let stored = auth.stored_user(&id).await;
        assert!(!stored.contains_key("email") && !stored.contains_key("emailKey"));
    }
}

#[tokio::test]
async fn what_is_no_clerk_user_is_refused() {
    let auth = Auth::start().await;
    let mut wrong = change("Ada", 1_000);
    wrong.clerk_id = nobody();
    let refused = auth.sagas().sync_clerk_user(wrong).await;
    assert_eq!(code(refused), Code::ValidationFailed);
    let timeless = SyncClerkUserRequest {
        updated_at: None,
        ..change("Ada", 1_000)
    };
    let refused = auth.sagas().sync_clerk_user(timeless).await;
    assert_eq!(code(refused), Code::ValidationFailed);
    let mut wrong = deletion();
    wrong.clerk_id = String::new();
    let refused = auth.sagas().forget_clerk_user(wrong).await;
    assert_eq!(code(refused), Code::ValidationFailed);
}

#[tokio::test]
async fn a_stale_saga_changes_nothing() {
    let auth = Auth::start().await;
    let newer = saga_operation("newer", "clerk-user-synced:msg_1", 2);
    let older = saga_operation("older", "clerk-user-synced:msg_1", 1);
    let newer = SyncClerkUserRequest {
        operation: newer,
        ..change("Ada", 1_000)
    };
    sync(&auth, newer).await;
    let older = SyncClerkUserRequest {
        operation: older,
        ..change("Old", 2_000)
    };
    let refused = auth.sagas().sync_clerk_user(older).await;
    assert_eq!(code(refused), Code::StaleEpoch);
    assert_eq!(name_of(&auth).await, "Ada");
}
