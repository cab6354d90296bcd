use futures::future::join_all;
use reen_error::Code;
use reen_proto::auth::v1::{ChangeRoleRequest, Role, User};
use reen_testkit::{acting_for, body, code};
use tonic::{Response, Status};

use crate::support::{Auth, STARTING_CENTS, check_books, fee, fields, nobody};

const UPGRADE_CENTS: i64 = 16_000_000;

async fn change(auth: &Auth, id: &str, role: Role) -> Result<Response<User>, Status> {
    let asked = ChangeRoleRequest { role: role.into() };
    acting_for(id, auth.gateway().change_role(asked)).await
}

#[tokio::test]
async fn becoming_a_seller_is_paid_from_the_balance() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let seller = body(change(&auth, &id, Role::Seller).await);
    assert_eq!(seller.role(), Role::Seller);
    assert_eq!(seller.balance_cents, STARTING_CENTS - UPGRADE_CENTS);
    assert_eq!(seller.amount_spent_cents, UPGRADE_CENTS);
    assert_eq!(seller.amount_gained_cents, 0);
    assert_eq!(auth.user(&id).await, seller);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn becoming_a_buyer_again_is_free_and_pays_nothing_back() {
    let auth = Auth::start().await;
    let id = auth.seller("ada").await;
    let buyer = body(change(&auth, &id, Role::Buyer).await);
    assert_eq!(buyer.role(), Role::Buyer);
    assert_eq!(buyer.balance_cents, STARTING_CENTS - UPGRADE_CENTS);
    body(change(&auth, &id, Role::Seller).await);
    let twice = 2 * UPGRADE_CENTS;
    assert_eq!(auth.sums(&id).await, (STARTING_CENTS - twice, 0, twice));
    check_books(&auth.database).await;
}

#[tokio::test]
async fn the_last_cent_pays_and_a_cent_less_does_not() {
    let auth = Auth::start_with(UPGRADE_CENTS).await;
    let (rich, poor) = (auth.buyer("rich").await, auth.buyer("poor").await);
    body(auth.products().charge_fee(fee("a-cent", &poor, 1)).await);
    assert_eq!(
        body(change(&auth, &rich, Role::Seller).await).balance_cents,
        0
    );
    let refused = change(&auth, &poor, Role::Seller).await;
    assert_eq!(code(refused), Code::InsufficientBalance);
    assert_eq!(auth.user(&poor).await.role(), Role::Buyer);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn the_same_role_is_no_change() {
    let auth = Auth::start().await;
    let (buyer, seller) = (auth.buyer("ada").await, auth.seller("eve").await);
    let same = change(&auth, &buyer, Role::Buyer).await;
    assert_eq!(code(same), Code::AlreadyInRole);
    let same = change(&auth, &seller, Role::Seller).await;
    assert_eq!(code(same), Code::AlreadyInRole);
    check_books(&auth.database).await;
}

#[tokio::test]
async fn nobody_can_choose_to_be_anonymous_or_nothing() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    for role in [Role::Anonymous.into(), Role::Unspecified.into(), 99] {
        let refused = acting_for(&id, auth.gateway().change_role(ChangeRoleRequest { role })).await;
        assert_eq!(
            fields(refused),
            [("role".to_owned(), "not_in_list".to_owned())]
        );
    }
}

#[tokio::test]
async fn who_is_not_there_has_no_role() {
    let auth = Auth::start().await;
    let refused = change(&auth, &nobody(), Role::Seller).await;
    assert_eq!(code(refused), Code::Unauthenticated);
    let refused = auth
        .gateway()
        .change_role(ChangeRoleRequest {
            role: Role::Seller.into(),
        })
        .await;
    assert_eq!(code(refused), Code::Unauthenticated);
}

#[tokio::test]
async fn two_clicks_pay_once() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let clicks = join_all((0..6).map(|_| change(&auth, &id, Role::Seller))).await;
    let (changed, refused): (Vec<_>, Vec<_>) = clicks.into_iter().partition(Result::is_ok);
    assert_eq!(changed.len(), 1);
    for click in refused {
        assert_eq!(code(click), Code::AlreadyInRole);
    }
    let left = STARTING_CENTS - UPGRADE_CENTS;
    assert_eq!(auth.sums(&id).await, (left, 0, UPGRADE_CENTS));
    check_books(&auth.database).await;
}
