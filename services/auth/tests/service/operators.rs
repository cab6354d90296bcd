//! Operators are made by the command line, of buyers, and stay what they are until it says otherwise.

use reen_error::Code;
use reen_proto::auth::v1::get_user_response::View;
use reen_proto::auth::v1::{
    AnonymiseUserRequest, ChangeRoleRequest, GetUserRequest, ListUsersRequest, Role,
    SetOperatorRequest, SignInRequest, User,
};
use reen_testkit::{acting_for, body, code, own_operation};
use tonic::{Response, Status};

use crate::support::{Auth, PASSWORD, address_of, check_books};

async fn set(auth: &Auth, email: &str, operator: bool) -> Result<Response<User>, Status> {
    let email = email.to_owned();
    let asked = SetOperatorRequest { email, operator };
    auth.called_from("reen").set_operator(asked).await
}

async fn grant(auth: &Auth, name: &str) -> User {
    body(set(auth, &address_of(name), true).await)
}

#[tokio::test]
async fn a_buyer_becomes_an_operator_and_a_buyer_again() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let before = auth.sums(&id).await;
    for _again in 0..2 {
        let operator = grant(&auth, "ada").await;
        assert_eq!((&operator.id, operator.role()), (&id, Role::Operator));
    }
    assert_eq!(auth.user(&id).await.role(), Role::Operator);
    assert_eq!(auth.sums(&id).await, before, "it costs nothing");
    for _again in 0..2 {
        let buyer = body(set(&auth, &address_of("ada"), false).await);
        assert_eq!(buyer.role(), Role::Buyer);
    }
    assert_eq!(auth.user(&id).await.role(), Role::Buyer);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn the_address_is_read_as_at_sign_in() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let shouted = address_of("ada").to_uppercase();
    assert_eq!(body(set(&auth, &shouted, true).await).id, id);
}

#[tokio::test]
async fn an_operator_signs_in_and_is_a_buyer_to_others() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    grant(&auth, "ada").await;
    let asked = SignInRequest {
        email: address_of("ada"),
        password: PASSWORD.to_owned(),
        ..SignInRequest::default()
    };
    let session = body(auth.gateway().sign_in(asked).await);
    assert_eq!(session.user.unwrap().role(), Role::Operator);
    let asked = GetUserRequest { id: id.clone() };
    let Some(View::Public(seen)) = body(auth.gateway().get_user(asked).await).view else {
        panic!("not the public view");
    };
    assert_eq!(seen.role(), Role::Buyer);
    let listed = body(
        auth.gateway()
            .list_users(ListUsersRequest {
                limit: 10,
                ..Default::default()
            })
            .await,
    );
    assert_eq!(listed.users.len(), 1, "they are there like others");
    assert_eq!(listed.users[0].role(), Role::Buyer);
}

#[tokio::test]
async fn nobody_changes_the_role_of_an_operator_or_to_it() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let choose = async |role: Role| {
        let asked = ChangeRoleRequest { role: role.into() };
        code(acting_for(&id, auth.gateway().change_role(asked)).await)
    };
    assert_eq!(choose(Role::Operator).await, Code::ValidationFailed);
    grant(&auth, "ada").await;
    for role in [Role::Buyer, Role::Seller] {
        assert_eq!(choose(role).await, Code::Forbidden, "{role:?}");
    }
    assert_eq!(choose(Role::Operator).await, Code::ValidationFailed);
    assert_eq!(auth.user(&id).await.role(), Role::Operator);
}

#[tokio::test]
async fn a_seller_keeps_what_was_paid_for() {
    let auth = Auth::start().await;
    let id = auth.seller("eve").await;
    let refused = set(&auth, &address_of("eve"), true).await;
    assert_eq!(code(refused), Code::Forbidden);
    let left_alone = body(set(&auth, &address_of("eve"), false).await);
    assert_eq!(left_alone.role(), Role::Seller);
    assert_eq!(auth.user(&id).await.role(), Role::Seller);
}

#[tokio::test]
async fn who_is_not_there_or_has_left_is_no_operator() {
    let auth = Auth::start().await;
    for email in ["", "nobody@example.com", "no address"] {
        assert_eq!(code(set(&auth, email, true).await), Code::NotFound);
    }
    let id = auth.buyer("ada").await;
    grant(&auth, "ada").await;
    let farewell = AnonymiseUserRequest {
        operation: own_operation("farewell"),
        user_id: id.clone(),
    };
    body(auth.sagas().anonymise_user(farewell).await);
    let refused = set(&auth, &address_of("ada"), true).await;
    assert_eq!(code(refused), Code::NotFound);
    let stored = auth.stored_user(&id).await;
    assert_eq!(stored.get_str("role").unwrap(), "ANONYMOUS");
}
