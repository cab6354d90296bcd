//! Requests that users named.

use futures::future::join_all;
use reen_chassis::IdempotencyKey;
use reen_error::{Code, Failure};
use reen_proto::auth::v1::{ChangeRoleRequest, Role, UpdateProfileRequest, User};
use reen_testkit::{acting_once, body, settled};

use crate::support::{Auth, STARTING_CENTS, check_books};

const UPGRADE_CENTS: i64 = 16_000_000;

fn named(key: &str) -> IdempotencyKey {
    IdempotencyKey::new(key, [&b"what is asked for"[..]])
}

async fn upgrade(auth: &Auth, id: &str, key: &IdempotencyKey) -> Result<User, Failure> {
    let role = Role::Seller.into();
    let mut gateway = auth.gateway();
    let asking = gateway.change_role(ChangeRoleRequest { role });
    settled(acting_once(id, key, asking).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_repeats_at_two_replicas_pay_for_one_upgrade() {
    let auth = Auth::start().await;
    let replica = auth.replica().await;
    let id = auth.buyer("ada").await;
    let key = named("k");
    let outcomes = join_all((0..20).map(|index| {
        let asked = if index % 2 == 0 { &auth } else { &replica };
        upgrade(asked, &id, &key)
    }));
    for outcome in outcomes.await {
        match outcome {
            Ok(user) => assert_eq!(user.role(), Role::Seller),
            Err(refused) => assert_eq!(refused.code, Code::IdempotencyInFlight),
        }
    }
    let again = upgrade(&auth, &id, &key).await.unwrap();
    assert_eq!(again.role(), Role::Seller, "and not `already_in_role`");
    assert!(key.was_replayed());
    let sums = auth.sums(&id).await;
    assert_eq!(sums, (STARTING_CENTS - UPGRADE_CENTS, 0, UPGRADE_CENTS));
    check_books(&auth.database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_change_of_the_profile_does_not_undo_a_later_one() {
    let auth = Auth::start().await;
    let id = auth.buyer("ada").await;
    let rename = async |key: &IdempotencyKey, name: &str| {
        let asked = UpdateProfileRequest {
            name: Some(name.to_owned()),
            ..UpdateProfileRequest::default()
        };
        body(acting_once(&id, key, auth.gateway().update_profile(asked)).await).name
    };
    let first = named("first");
    assert_eq!(rename(&first, "Ada").await, "Ada");
    assert_eq!(rename(&named("second"), "Countess").await, "Countess");
    assert_eq!(rename(&first, "Ada").await, "Ada", "as it was answered");
    assert_eq!(auth.user(&id).await.name, "Countess");
}
