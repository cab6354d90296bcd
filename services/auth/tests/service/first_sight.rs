//! Clerk's users as they show their tokens: looked up there at first sight, and known from then on.

use reen_auth::ClerkApi;
use reen_error::Code;
use reen_proto::auth::v1::{
    ForgetClerkUserRequest, GetClerkJwksRequest, ResolveClerkUserRequest, SyncClerkUserRequest,
};
use reen_proto::time::from_millis;
use reen_sims::clerk::{ClerkSim, Config, Handle, User};
use reen_testkit::{body, code, in_background, saga_operation};
use secrecy::SecretString;
use serde_json::Value;
use tokio_util::sync::DropGuard;
use url::Url;

use crate::clerk::sync;
use crate::support::{Auth, STARTING_CENTS, address_of, check_books};

const SECRET_KEY: &str = "sk_test_of_the_auth_service";

/// The service beside a stand-in for Clerk.
struct World {
    auth: Auth,
    clerk: Handle,
    _running: DropGuard,
}

impl World {
    async fn start() -> Self {
        Self::start_with(SECRET_KEY).await
    }

    async fn start_with(secret_key: &str) -> Self {
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let sim = ClerkSim::build(Config::in_process(SECRET_KEY))
            .await
            .unwrap();
        let api = ClerkApi {
            secret_key: SecretString::from(secret_key),
            base: Some(Url::parse(&sim.api_base()).unwrap()),
        };
        Self {
            auth: Auth::start_beside(api).await,
            clerk: sim.handle(),
            _running: in_background(|stop| sim.run(stop)),
        }
    }

    /// Somebody who signs up at Clerk, and is not known here.
    fn ada(&self) -> User {
        let ada = User::new("Ada", "Lovelace", &address_of("Ada"));
        self.clerk.keep(&ada);
        ada
    }

    async fn resolve(&self, clerk_id: &str) -> Result<String, Code> {
        resolve(&self.auth, clerk_id).await
    }
}

async fn resolve(auth: &Auth, clerk_id: &str) -> Result<String, Code> {
    let asked = ResolveClerkUserRequest {
        clerk_id: clerk_id.to_owned(),
    };
    let resolved = auth.gateway().resolve_clerk_user(asked).await;
    resolved
        .map(|answer| answer.into_inner().user_id)
        .map_err(|status| code(Err::<(), _>(status)))
}

#[tokio::test]
async fn who_is_seen_for_the_first_time_gets_an_account_of_their_profile() {
    let world = World::start().await;
    let ada = world.ada();
    let id = world.resolve(&ada.id).await.unwrap();
    let user = world.auth.user(&id).await;
    assert_eq!(user.clerk_id.as_deref(), Some(ada.id.as_str()));
    assert_eq!(
        (user.name.as_str(), &user.email),
        ("Ada Lovelace", &ada.email)
    );
    assert_eq!(world.auth.sums(&id).await, (STARTING_CENTS, 0, 0));
    assert_eq!(world.resolve(&ada.id).await.unwrap(), id);
    check_books(&world.auth.database).await;
}

#[tokio::test]
async fn first_sights_at_the_same_time_make_one_account() {
    let world = World::start().await;
    let ada = world.ada();
    let many = (0..8).map(|_| world.resolve(&ada.id));
    let mut ids: Vec<_> = futures::future::join_all(many).await;
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    check_books(&world.auth.database).await;
}

#[tokio::test]
async fn an_address_that_was_proved_at_clerk_leads_to_the_account_that_is_here() {
    let world = World::start().await;
    let local = world.auth.buyer("Ada").await;
    let mut mallory = world.ada();
    mallory.is_email_verified = false;
    world.clerk.keep(&mallory);
    assert_ne!(world.resolve(&mallory.id).await.unwrap(), local);
    let ada = world.ada();
    assert_eq!(world.resolve(&ada.id).await.unwrap(), local);
}

#[tokio::test]
async fn the_webhook_of_who_was_seen_already_makes_nobody() {
    let world = World::start().await;
    let ada = world.ada();
    let id = world.resolve(&ada.id).await.unwrap();
    let event = |name: &str, user: &User| SyncClerkUserRequest {
        operation: saga_operation(format!("{name}/sync-user"), name.to_owned(), 1),
        clerk_id: user.id.clone(),
        name: name.to_owned(),
        email: user.email.clone(),
        updated_at: Some(from_millis(user.updated_at.timestamp_millis())),
        email_verified: true,
    };
    assert_eq!(sync(&world.auth, event("Late", &ada)).await, id);
    assert_eq!(world.auth.user(&id).await.name, "Ada Lovelace");
    assert_eq!(sync(&world.auth, event("Augusta", &ada.later())).await, id);
    assert_eq!(world.auth.user(&id).await.name, "Augusta");
}

#[tokio::test]
async fn who_is_gone_is_signed_out_there_and_here() {
    let world = World::start().await;
    let nobody = world.resolve("user_2nobody").await;
    assert_eq!(nobody, Err(Code::Unauthenticated));
    let ada = world.ada();
    let deletion = ForgetClerkUserRequest {
        operation: saga_operation("gone/forget", "gone", 1),
        clerk_id: ada.id.clone(),
    };
    body(world.auth.sagas().forget_clerk_user(deletion).await);
    let answer = world.resolve(&ada.id).await;
    assert_eq!(
        answer,
        Err(Code::Unauthenticated),
        "though Clerk answers still"
    );
    let path = world.resolve("user_/../../jwks").await;
    assert_eq!(path, Err(Code::Unauthenticated), "an id is no path");
    let of_another = world.resolve("client_1").await;
    assert_eq!(of_another, Err(Code::ValidationFailed));
}

#[tokio::test]
async fn while_clerk_is_away_those_who_are_known_come_in() {
    let world = World::start().await;
    let ada = world.ada();
    let id = world.resolve(&ada.id).await.unwrap();
    let grace = User::new("Grace", "Hopper", &address_of("Grace"));
    world.clerk.keep(&grace);
    world.clerk.be_away(true);
    assert_eq!(world.resolve(&ada.id).await.unwrap(), id);
    assert_eq!(world.resolve(&grace.id).await, Err(Code::Unavailable));
    let mut gateway = world.auth.gateway();
    let keys = gateway.get_clerk_jwks(GetClerkJwksRequest {}).await;
    assert_eq!(code(keys), Code::Unavailable);
    world.clerk.be_away(false);
    assert!(world.resolve(&grace.id).await.is_ok());
}

#[tokio::test]
async fn without_the_right_key_nobody_is_looked_up() {
    let world = World::start_with("sk_test_of_somebody_else").await;
    let ada = world.ada();
    assert_eq!(world.resolve(&ada.id).await, Err(Code::Unavailable));
    let auth = Auth::start().await;
    assert_eq!(resolve(&auth, &ada.id).await, Err(Code::Unavailable));
}

#[tokio::test]
async fn the_keys_are_those_that_clerk_publishes() {
    let world = World::start().await;
    let mut gateway = world.auth.gateway();
    for _round in 0..2 {
        let answer = gateway.get_clerk_jwks(GetClerkJwksRequest {}).await;
        let keys: Value = serde_json::from_str(&body(answer).jwks_json).unwrap();
        assert_eq!(keys, world.clerk.keys());
        world.clerk.rotate_keys();
    }
    assert_eq!(world.clerk.keys()["keys"].as_array().unwrap().len(), 2);
}
