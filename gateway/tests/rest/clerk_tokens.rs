//! Session tokens of Clerk: whose are taken, and for whom.

use reen_error::Code;
use reen_sims::clerk::{ClerkSim, Config, Handle};
use reen_testkit::eventually;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::support::{BUYER, Gateway, send};

const ADA: &str = "user_2ada";
const SHOP: &str = "https://shop.example";

/// A gateway that knows a Clerk. The stand-in only signs here: its API is auth's to ask.
struct World {
    gateway: Gateway,
    clerk: Handle,
}

impl World {
    async fn start() -> Self {
        let sim = ClerkSim::build(Config::in_process("sk_test_x"))
            .await
            .unwrap();
        let settings = [
            ("CLERK_ISSUER", sim.base_url()),
            (
                "CLERK_AUTHORIZED_PARTIES",
                format!("{SHOP}, https://admin.example"),
            ),
        ];
        let settings = settings
            .each_ref()
            .map(|(key, value)| (*key, value.as_str()));
        let world = Self {
            gateway: Gateway::start_with(&settings).await,
            clerk: sim.handle(),
        };
        world.publish();
        world.gateway.mesh.with(|state| {
            let ada = (ADA.to_owned(), BUYER.to_owned());
            state.clerk_users.extend([ada]);
        });
        world
    }

    fn publish(&self) {
        let keys = self.clerk.keys();
        self.gateway.mesh.with(|state| state.clerk_keys = keys);
    }

    fn orders(&self, token: &str) -> RequestBuilder {
        self.gateway.get("/orders").bearer_auth(token)
    }

    /// The status and the code of a refusal.
    async fn refusal(&self, token: &str) -> (u16, String) {
        send(self.orders(token)).await.problem()
    }
}

#[tokio::test]
async fn who_is_signed_in_at_clerk_is_signed_in_here() {
    let world = World::start().await;
    let token = world.clerk.token(ADA, Some(SHOP)).unwrap();
    for _again in 0..3 {
        assert_eq!(send(world.orders(&token)).await.status, 200);
        assert_eq!(
            world.gateway.mesh.user_of("ListOrders").as_deref(),
            Some(BUYER)
        );
    }
    let lookups = world.gateway.mesh.count("ResolveClerkUser");
    assert_eq!(lookups, 1, "once for each token");
    let native = world.clerk.token(ADA, None).unwrap();
    assert_eq!(
        send(world.orders(&native)).await.status,
        200,
        "an app, no page"
    );
}

#[tokio::test]
async fn only_good_tokens_of_this_clerk_pass() {
    let world = World::start().await;
    let with = |name: &str, value: Value| {
        let mut claims = world.clerk.claims(ADA);
        claims[name] = value;
        world.clerk.sign(&claims).unwrap()
    };
    let now = world.clerk.claims(ADA)["iat"].as_i64().unwrap();
    let good = world.clerk.token(ADA, Some(SHOP)).unwrap();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (_, body) = signed.split_once('.').unwrap();
    let eddsa = "eyJhbGciOiJFZERTQSIsImtpZCI6Imluc19yZWVuU3RhbmRJbkZpcnN0In0";
    for (what, token) in [
        ("expired", with("exp", json!(now - 10))),
        ("not yet", with("nbf", json!(now + 60))),
        (
            "another issuer",
            with("iss", json!("https://clerk.evil.example")),
        ),
        ("no issuer", with("iss", Value::Null)),
        (
            "a page that is not ours",
            with("azp", json!("https://evil.example")),
        ),
        (
            "a session that lacks something",
            with("sts", json!("pending")),
        ),
        ("nobody", with("sub", Value::Null)),
        ("somebody who is gone", with("sub", json!("user_2gone"))),
        ("another algorithm", format!("{eddsa}.{body}.{signature}")),
        ("no signature", format!("{signed}.")),
    ] {
        let refusal = world.refusal(&token).await;
        assert_eq!(refusal, (401, "unauthenticated".to_owned()), "{what}");
    }
    let clock = with("nbf", json!(now + 3));
    assert_eq!(
        send(world.orders(&clock)).await.status,
        200,
        "clocks differ"
    );
}

#[tokio::test]
async fn keys_may_change_without_signing_anybody_out() {
    let world = World::start().await;
    let before = world.clerk.token(ADA, None).unwrap();
    world.clerk.rotate_keys();
    let after = world.clerk.token(ADA, None).unwrap();
    world.publish();
    for token in [&before, &after] {
        assert_eq!(send(world.orders(token)).await.status, 200);
    }
    assert_eq!(world.gateway.mesh.count("GetClerkJwks"), 1);
}

#[tokio::test]
async fn invented_keys_are_asked_for_once() {
    let world = World::start().await;
    world.clerk.rotate_keys();
    for _again in 0..5 {
        let unknown = world.clerk.token(ADA, None).unwrap();
        let refusal = world.refusal(&unknown).await;
        assert_eq!(refusal, (401, "unauthenticated".to_owned()));
    }
    assert_eq!(world.gateway.mesh.count("GetClerkJwks"), 1);
}

#[tokio::test]
async fn while_clerk_cannot_be_asked_its_users_wait_and_ours_go_on() {
    let world = World::start().await;
    let token = world.clerk.token(ADA, None).unwrap();
    for method in ["GetClerkJwks", "ResolveClerkUser"] {
        world.gateway.mesh.fail(method, Code::Unavailable);
    }
    let away = (503, "unavailable".to_owned());
    assert_eq!(world.refusal(&token).await, away, "its keys");
    let own = world.gateway.keys.token(BUYER);
    assert_eq!(send(world.orders(&own)).await.status, 200);
    world.gateway.mesh.heal("GetClerkJwks");
    eventually("the keys to be asked for again", async || {
        let refusal = world.refusal(&token).await;
        assert_eq!(refusal, away, "its users");
        (world.gateway.mesh.count("ResolveClerkUser") > 0).then_some(())
    })
    .await;
    world.gateway.mesh.heal("ResolveClerkUser");
    assert_eq!(send(world.orders(&token)).await.status, 200);
}

#[tokio::test]
async fn without_a_clerk_its_tokens_are_nobodys() {
    let world = World::start().await;
    let plain = Gateway::start().await;
    let token = world.clerk.token(ADA, None).unwrap();
    let answer = send(plain.get("/orders").bearer_auth(token)).await;
    assert_eq!(answer.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(plain.mesh.count("ResolveClerkUser"), 0);
}
