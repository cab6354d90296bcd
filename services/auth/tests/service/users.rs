use bson::doc;
use bson::oid::ObjectId;
use reen_error::Code;
use reen_proto::auth::v1::get_user_response::View;
use reen_proto::auth::v1::{
    FindContactsRequest, FindUsersRequest, GetBalanceRequest, GetUserRequest, ListUsersRequest,
    Role, UpdateProfileRequest, User,
};
use reen_proto::paging::v1::Keyset;
use reen_testkit::{acting_for, body, code};
use tonic::{Response, Status};

use crate::support::{Auth, STARTING_CENTS, fields, nobody};

const ANONYMOUS_OWNER: &str = "000000000000000000000001";

async fn view(auth: &Auth, viewer: &str, id: &str) -> View {
    let asked = GetUserRequest { id: id.to_owned() };
    let answer = acting_for(viewer, auth.gateway().get_user(asked)).await;
    body(answer).view.unwrap()
}

async fn update(
    auth: &Auth,
    id: &str,
    name: Option<&str>,
    email: Option<&str>,
) -> Result<Response<User>, Status> {
    let change = UpdateProfileRequest {
        name: name.map(str::to_owned),
        email: email.map(str::to_owned),
    };
    acting_for(id, auth.gateway().update_profile(change)).await
}

#[tokio::test]
async fn only_the_user_sees_the_whole_user() {
    let auth = Auth::start().await;
    let (ada, eve) = (auth.buyer("ada").await, auth.buyer("eve").await);
    for key in ["me", &ada] {
        let View::Own(own) = view(&auth, &ada, key).await else {
            panic!("not the own view");
        };
        assert_eq!(
            (own.id.as_str(), own.email.as_str()),
            (ada.as_str(), "ada@example.com")
        );
    }
    let View::Public(public) = view(&auth, &eve, &ada).await else {
        panic!("not the public view");
    };
    assert_eq!((public.id, public.name), (ada.clone(), "ada".to_owned()));
    let asked = GetUserRequest { id: ada };
    let nobody_asks = body(auth.gateway().get_user(asked).await);
    assert!(matches!(nobody_asks.view, Some(View::Public(_))));
}

#[tokio::test]
async fn a_user_of_the_identity_provider_is_found_by_its_id() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    let this = doc! {"_id": ObjectId::parse_str(&ada).unwrap()};
    let clerk = doc! {"$set": {"clerkId": "user_2abc"}};
    auth.users().update_one(this, clerk).await.unwrap();
    let View::Own(own) = view(&auth, &ada, "user_2abc").await else {
        panic!("not the own view");
    };
    assert_eq!(own.clerk_id.as_deref(), Some("user_2abc"));
    let View::Public(public) = view(&auth, &nobody(), "user_2abc").await else {
        panic!("not the public view");
    };
    assert_eq!(public.id, ada);
}

#[tokio::test]
async fn who_is_not_there_is_not_found() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    for id in [&nobody(), "user_unknown", "x", "", ANONYMOUS_OWNER] {
        let asked = GetUserRequest { id: id.to_owned() };
        let refused = acting_for(&ada, auth.gateway().get_user(asked)).await;
        assert_eq!(code(refused), Code::NotFound, "{id}");
    }
    let me = GetUserRequest {
        id: "me".to_owned(),
    };
    assert_eq!(
        code(auth.gateway().get_user(me).await),
        Code::Unauthenticated
    );
}

#[tokio::test]
async fn users_are_found_by_many_ids_at_once() {
    let auth = Auth::start().await;
    let (ada, eve) = (auth.buyer("ada").await, auth.buyer("eve").await);
    let ids = [&ada, &eve, &nobody(), "x", ANONYMOUS_OWNER].map(str::to_owned);
    let asked = FindUsersRequest { ids: ids.to_vec() };
    let mut found = body(auth.gateway().find_users(asked).await).users;
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let names: Vec<_> = found
        .iter()
        .map(|user| (user.name.as_str(), user.role()))
        .collect();
    let expected = [
        ("Anonymous", Role::Anonymous),
        ("ada", Role::Buyer),
        ("eve", Role::Buyer),
    ];
    assert_eq!(names, expected);
    let too_many = FindUsersRequest {
        ids: vec![ada; 1_001],
    };
    let refused = auth.gateway().find_users(too_many).await;
    assert_eq!(fields(refused), [("ids".to_owned(), "too_many".to_owned())]);
}

#[tokio::test]
async fn users_are_listed_newest_first() {
    let auth = Auth::start().await;
    for name in ["ada", "bob", "eve"] {
        auth.buyer(name).await;
    }
    let list = async |limit, skip| {
        let page = ListUsersRequest {
            limit,
            skip,
            keyset: None,
        };
        let listed = body(auth.gateway().list_users(page).await);
        assert_eq!(listed.total, 3);
        let names = listed.users.into_iter().map(|user| user.name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(list(1_000, 0).await, ["eve", "bob", "ada"]);
    assert_eq!(list(1, 1).await, ["bob"]);
    assert!(list(10, i64::from(i32::MAX)).await.is_empty());
    let page = ListUsersRequest {
        limit: 0,
        skip: -1,
        keyset: None,
    };
    assert_eq!(fields(auth.gateway().list_users(page).await).len(), 2);
}

#[tokio::test]
async fn users_are_read_from_where_a_page_ended() {
    let auth = Auth::start().await;
    for name in ["ada", "bob", "eve"] {
        auth.buyer(name).await;
    }
    let page = async |after| {
        let asked = ListUsersRequest {
            limit: 2,
            skip: 0,
            keyset: Some(Keyset { after }),
        };
        let listed = body(auth.gateway().list_users(asked).await);
        assert_eq!(listed.total, 0);
        let names = listed.users.into_iter().map(|user| user.name);
        (names.collect::<Vec<_>>(), listed.next)
    };
    let (newest, next) = page(None).await;
    assert_eq!(newest, ["eve", "bob"]);
    assert_eq!(page(next).await, (vec!["ada".to_owned()], None));
}

#[tokio::test]
async fn only_what_writes_letters_learns_addresses() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    let asked = FindContactsRequest {
        ids: vec![ada.clone(), nobody(), "x".to_owned()],
    };
    let contacts = body(auth.sagas().find_contacts(asked.clone()).await).contacts;
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].email, "ada@example.com");
    let refused = auth.gateway().find_contacts(asked).await;
    assert_eq!(code(refused), Code::UnknownCaller);
}

#[tokio::test]
async fn a_profile_changes_where_it_is_said_to() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    let renamed = body(update(&auth, &ada, Some(" Ada L. "), None).await);
    assert_eq!(
        (renamed.name.as_str(), renamed.email.as_str()),
        ("Ada L.", "ada@example.com")
    );
    let moved = body(update(&auth, &ada, None, Some("ADA@new.example")).await);
    assert_eq!(
        (moved.name.as_str(), moved.email.as_str()),
        ("Ada L.", "ADA@new.example")
    );
    assert_eq!(body(update(&auth, &ada, None, None).await).name, "Ada L.");
    // The old address is free.
    auth.buyer("ada").await;
}

#[tokio::test]
async fn a_profile_cannot_become_what_it_may_not_be() {
    let auth = Auth::start().await;
    let ada = auth.buyer("ada").await;
    auth.buyer("eve").await;
    let taken = update(&auth, &ada, Some("Eve"), Some("EVE@example.com")).await;
    assert_eq!(code(taken), Code::EmailTaken);
    assert_eq!(auth.user(&ada).await.name, "ada");
    let invalid = update(&auth, &ada, Some(" "), Some("x")).await;
    assert_eq!(fields(invalid).len(), 2);
    let own = update(&auth, &ada, None, Some("Ada@Example.com")).await;
    assert_eq!(body(own).email, "Ada@Example.com");
    let gone = update(&auth, &nobody(), Some("Ada"), None).await;
    assert_eq!(code(gone), Code::Unauthenticated);
}

#[tokio::test]
async fn a_balance_is_the_users_own() {
    let auth = Auth::start().await;
    let (ada, eve) = (auth.buyer("ada").await, auth.buyer("eve").await);
    let asked = GetBalanceRequest {
        user_id: ada.clone(),
    };
    for process in ["gateway", "checkout"] {
        let mut client = auth.called_from(process);
        let balance = body(acting_for(&ada, client.get_balance(asked.clone())).await);
        assert_eq!(balance.balance_cents, STARTING_CENTS);
        let refused = acting_for(&eve, client.get_balance(asked.clone())).await;
        assert_eq!(code(refused), Code::NotFound);
        let refused = client.get_balance(asked.clone()).await;
        assert_eq!(code(refused), Code::Unauthenticated);
    }
}

#[tokio::test]
async fn the_anonymous_owner_is_there_once_and_never_changes() {
    let auth = Auth::start().await;
    let before = auth.stored_user(ANONYMOUS_OWNER).await;
    assert_eq!(before.get_str("role").unwrap(), "ANONYMOUS");
    let _restarted = auth.replica().await;
    assert_eq!(auth.stored_user(ANONYMOUS_OWNER).await, before);
    assert_eq!(auth.users().count_documents(doc! {}).await.unwrap(), 1);
}
