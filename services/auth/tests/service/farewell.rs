use bson::{Document, doc};
use reen_error::Code;
use reen_proto::auth::v1::{
    AnonymiseUserRequest, ChangeRoleRequest, FindContactsRequest, FindUsersRequest,
    GetBalanceRequest, GetUserRequest, ListUsersRequest, RefreshSessionRequest, Role,
    SignInRequest, UpdateProfileRequest,
};
use reen_testkit::{acting_for, body, code, saga_operation};

use crate::support::{Auth, PASSWORD, STARTING_CENTS, check_books, fee, nobody, sale};

fn farewell(id: &str, user_id: &str) -> AnonymiseUserRequest {
    AnonymiseUserRequest {
        operation: saga_operation(id, format!("account-deleted:{user_id}"), 1),
        user_id: user_id.to_owned(),
    }
}

#[tokio::test]
async fn nothing_that_tells_who_it_was_remains() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    for _ in 0..2 {
        body(auth.sagas().anonymise_user(farewell("bye", &id)).await);
    }
    let tokens = auth.database.collection::<Document>("sessions");
    assert_eq!(tokens.count_documents(doc! {}).await.unwrap(), 0);
    let left = auth.stored_user(&id).await;
    assert_eq!(left.get_str("name").unwrap(), "Anonymous");
    assert_eq!(left.get_str("role").unwrap(), "ANONYMOUS");
    assert!(!left.to_string().contains("ada"));
    for forgotten in ["email", "emailKey", "passwordHash", "clerkId"] {
        assert!(!left.contains_key(forgotten), "{forgotten}");
    }
}

#[tokio::test]
async fn who_left_is_gone_for_all_but_joins() {
    let auth = Auth::start().await;
    let (ada, eve) = (auth.buyer("ada").await, auth.buyer("eve").await);
    body(auth.sagas().anonymise_user(farewell("bye", &ada)).await);

    let get = GetUserRequest { id: ada.clone() };
    let asked = acting_for(&eve, auth.gateway().get_user(get.clone())).await;
    assert_eq!(code(asked), Code::NotFound);
    let myself = acting_for(&ada, auth.gateway().get_user(get)).await;
    assert_eq!(code(myself), Code::Unauthenticated);

    let ids = vec![ada.clone(), eve.clone()];
    let found = body(
        auth.gateway()
            .find_users(FindUsersRequest { ids: ids.clone() })
            .await,
    );
    let ghost = found.users.iter().find(|user| user.id == ada).unwrap();
    assert_eq!(
        (ghost.name.as_str(), ghost.role()),
        ("Anonymous", Role::Anonymous)
    );
    let contacts = body(
        auth.sagas()
            .find_contacts(FindContactsRequest { ids })
            .await,
    )
    .contacts;
    assert_eq!(contacts.len(), 1);
    let listed = ListUsersRequest {
        limit: 10,
        ..Default::default()
    };
    let listed = body(auth.gateway().list_users(listed).await);
    assert_eq!((listed.users.len(), listed.total), (1, 1));
    assert_eq!(listed.users[0].id, eve);
}

#[tokio::test]
async fn who_left_can_do_nothing_with_what_they_still_hold() {
    let auth = Auth::start().await;
    let session = auth.sign_up("ada").await;
    let id = session.user.unwrap().id;
    body(auth.sagas().anonymise_user(farewell("bye", &id)).await);

    let refresh = RefreshSessionRequest {
        refresh_token: session.refresh_token,
    };
    let refused = auth.gateway().refresh_session(refresh).await;
    assert_eq!(code(refused), Code::InvalidRefreshToken);
    let sign_in = SignInRequest {
        email: "ada@example.com".to_owned(),
        password: PASSWORD.to_owned(),
        ..SignInRequest::default()
    };
    let refused = auth.gateway().sign_in(sign_in).await;
    assert_eq!(code(refused), Code::InvalidCredentials);
    let role = Role::Seller.into();
    let refused = acting_for(&id, auth.gateway().change_role(ChangeRoleRequest { role })).await;
    assert_eq!(code(refused), Code::Unauthenticated);
    let rename = UpdateProfileRequest {
        name: Some("Ada".to_owned()),
        email: None,
    };
    let refused = acting_for(&id, auth.gateway().update_profile(rename)).await;
    assert_eq!(code(refused), Code::Unauthenticated);
    let refused = auth.products().charge_fee(fee("fee", &id, 1)).await;
    assert_eq!(code(refused), Code::Unauthenticated);
    let balance = GetBalanceRequest {
        user_id: id.clone(),
    };
    let refused = acting_for(&id, auth.gateway().get_balance(balance)).await;
    assert_eq!(code(refused), Code::Unauthenticated);
}

#[tokio::test]
async fn the_address_can_be_used_again_and_the_books_stay() {
    let auth = Auth::start().await;
    let (ada, eve) = (auth.buyer("ada").await, auth.buyer("eve").await);
    body(
        auth.sagas()
            .post_sale(sale("before", &eve, &[(&ada, 500)]))
            .await,
    );
    body(auth.sagas().anonymise_user(farewell("bye", &ada)).await);
    body(
        auth.sagas()
            .post_sale(sale("after", &eve, &[(&ada, 50)]))
            .await,
    );
    assert_eq!(auth.sums(&ada).await, (STARTING_CENTS + 550, 550, 0));
    assert_ne!(auth.buyer("ada").await, ada);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn who_never_was_leaves_without_a_fuss() {
    let auth = Auth::start().await;
    body(
        auth.sagas()
            .anonymise_user(farewell("bye", &nobody()))
            .await,
    );
    let id = auth.buyer("ada").await;
    let saga = format!("account-deleted:{id}");
    let newer = AnonymiseUserRequest {
        operation: saga_operation("newer", &saga, 2),
        user_id: nobody(),
    };
    body(auth.sagas().anonymise_user(newer).await);
    let stale = auth.sagas().anonymise_user(farewell("bye", &id)).await;
    assert_eq!(code(stale), Code::StaleEpoch);
    assert_eq!(auth.user(&id).await.name, "ada");
}
