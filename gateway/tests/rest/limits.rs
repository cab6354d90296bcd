//! How often somebody may ask: each by themselves, at all gateways together, and also without Redis.

use reen_testkit::{Backends, FaultProxy, eventually};
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, BUYER, Gateway, SELLER, send};

/// Somebody whom no other test counts.
fn somebody() -> String {
    bson::oid::ObjectId::new().to_hex()
}

async fn orders(gateway: &Gateway, user: &str) -> Answer {
    send(gateway.signed_in(user, Method::GET, "/orders")).await
}

/// The statuses of so many requests in a row.
async fn statuses(gateway: &Gateway, user: &str, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(orders(gateway, user).await.status.as_u16());
    }
    statuses
}

fn left(answer: &Answer) -> [&str; 3] {
    ["limit", "remaining", "reset"].map(|each| answer.header(&format!("ratelimit-{each}")))
}

#[tokio::test]
async fn one_too_many_is_refused_with_the_time_to_come_back() {
    let gateway = Gateway::start_with(&[("RATE_LIMIT_READ", "6/2")]).await;
    assert_eq!(left(&orders(&gateway, BUYER).await), ["2", "1", "10"]);
    assert_eq!(left(&orders(&gateway, BUYER).await), ["2", "0", "20"]);
    let refused = orders(&gateway, BUYER).await;
    assert_eq!(refused.problem(), (429, "rate_limited".to_owned()));
    assert_eq!(left(&refused), ["2", "0", "20"]);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
    assert_eq!(orders(&gateway, SELLER).await.status, 200, "somebody else");
    let clear = gateway.signed_in(BUYER, Method::DELETE, "/cart-items");
    let write = send(clear).await;
    assert!(write.status.is_success(), "another class: {write:?}");
    assert_eq!(
        gateway.mesh.count("ListOrders"),
        3,
        "refused before it is done"
    );
}

#[tokio::test]
async fn all_gateways_count_together() {
    let redis = Backends::find().redis;
    let settings = [
        ("RATE_LIMIT_READ", "1/4"),
        ("REDIS_SERVICE_URL", redis.as_str()),
    ];
    let first = Gateway::start_with(&settings).await;
    let second = Gateway::start_with(&settings).await;
    let user = somebody();
    assert_eq!(left(&orders(&first, &user).await), ["4", "3", "60"]);
    assert_eq!(statuses(&second, &user, 2).await, [200, 200]);
    assert_eq!(left(&orders(&first, &user).await), ["4", "0", "240"]);
    for gateway in [&first, &second] {
        let refused = orders(gateway, &user).await;
        assert_eq!(refused.problem().0, 429);
        assert_eq!(refused.header("retry-after"), "60");
    }
    assert_eq!(orders(&first, &somebody()).await.status, 200);
}

#[tokio::test]
async fn a_busy_client_gets_in_as_often_as_the_limit_says_and_no_oftener() {
    const AT_ONCE: usize = 64;
    let redis = Backends::find().redis;
    let settings = [
        ("RATE_LIMIT_READ", "1/64"),
        ("REDIS_SERVICE_URL", redis.as_str()),
    ];
    let gateways = [
        Gateway::start_with(&settings).await,
        Gateway::start_with(&settings).await,
    ];
    let user = somebody();
    let asking = gateways
        .iter()
        .map(|gateway| statuses(gateway, &user, AT_ONCE));
    let answers = futures::future::join_all(asking).await.concat();
    let let_in = answers.iter().filter(|status| **status == 200).count();
    // What one gateway was given and had no time to use is lost; a minute brings one more.
    assert!((AT_ONCE - 16..=AT_ONCE + 2).contains(&let_in), "{let_in}");
}

#[tokio::test]
async fn who_waits_comes_in_again() {
    let redis = Backends::find().redis;
    let settings = [
        ("RATE_LIMIT_READ", "600/1"),
        ("REDIS_SERVICE_URL", redis.as_str()),
    ];
    let gateway = Gateway::start_with(&settings).await;
    let user = somebody();
    for _round in 0..3 {
        eventually("the next turn", async || {
            (orders(&gateway, &user).await.status == 200).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn without_redis_each_gateway_counts_for_itself_until_it_is_back() {
    let redis = Backends::find().redis;
    let proxy = FaultProxy::to(&redis).await;
    let through = proxy.through(&redis);
    let settings = [
        ("RATE_LIMIT_READ", "1/3"),
        ("REDIS_SERVICE_URL", through.as_str()),
    ];
    let gateway = Gateway::start_with(&settings).await;
    let user = somebody();
    proxy.cut();
    assert_eq!(statuses(&gateway, &user, 4).await, [200, 200, 200, 429]);
    proxy.restore();
    let direct = [
        ("RATE_LIMIT_READ", "1/3"),
        ("REDIS_SERVICE_URL", redis.as_str()),
    ];
    let other = Gateway::start_with(&direct).await;
    eventually("Redis to count again", async || {
        let user = somebody();
        orders(&gateway, &user).await;
        (left(&orders(&other, &user).await)[1] == "1").then_some(())
    })
    .await;
    let never = [
        ("RATE_LIMIT_READ", "1/1"),
        ("REDIS_SERVICE_URL", "redis://127.0.0.1:1"),
    ];
    let gateway = Gateway::start_with(&never).await;
    assert_eq!(statuses(&gateway, &user, 2).await, [200, 429]);
}

#[tokio::test]
async fn passwords_are_tried_slowly_from_each_address() {
    let settings = [
        ("RATE_LIMIT_SIGN_IN", "1/2"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let gateway = Gateway::start_with(&settings).await;
    let body = json!({"email": "ada@example.com", "password": "guessed"});
    let sign_in = async |address: &str| {
        let request = gateway.post("/auth/sign-in").json(&body);
        let request = request.header("x-forwarded-for", format!("10.9.9.9, {address}"));
        send(request).await.status.as_u16()
    };
    for status in [200, 200, 429] {
        assert_eq!(sign_in("203.0.113.1").await, status);
    }
    assert_eq!(sign_in("203.0.113.2").await, 200);
    let direct = Gateway::start_with(&[("RATE_LIMIT_SIGN_IN", "1/1")]).await;
    for (number, status) in [200, 429].into_iter().enumerate() {
        let request = direct.post("/auth/sign-in").json(&body);
        let request = request.header("x-forwarded-for", format!("203.0.113.{number}"));
        assert_eq!(send(request).await.status, status, "nobody's word is taken");
    }
}

#[tokio::test]
async fn bad_credentials_are_counted_and_health_is_not() {
    let gateway = Gateway::start_with(&[("RATE_LIMIT_READ", "1/2")]).await;
    for status in [401, 401, 429] {
        let request = gateway.get("/orders").bearer_auth("forged");
        assert_eq!(send(request).await.status, status);
    }
    assert_eq!(orders(&gateway, BUYER).await.status, 200, "by the user");
    for _ in 0..4 {
        let url = format!("{}/health/live", gateway.base);
        let answer = send(gateway.client.get(url)).await;
        assert_eq!(answer.status, 200);
        assert!(answer.headers.get("ratelimit-limit").is_none());
    }
}
