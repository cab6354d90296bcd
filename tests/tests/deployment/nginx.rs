//! The nginx configuration as it is deployed, with a real nginx before two gateways.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use futures::future::join_all;
use reen_error::Code;
use reen_testkit::eventually;
use reen_tests::{GatewayReplica, Mesh, workspace};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Nginx, Stub, head_of};

const PRODUCTS: &str = "/api/v1/products";
const PROXY: &[(&str, &str)] = &[("TRUSTED_PROXIES", "127.0.0.1")];

/// A mesh with two gateways, and nginx before them.
struct House {
    mesh: Mesh,
    gateways: [GatewayReplica; 2],
    nginx: Nginx,
}

impl House {
    async fn open() -> Self {
        Self::with(PROXY, &[("rate=50r/s", "rate=100000r/s")]).await
    }

    async fn with(settings: &[(&str, &str)], exchanged: &[(&str, &str)]) -> Self {
        let mesh = Mesh::start().await;
        let gateways = [
            mesh.another_gateway(settings).await,
            mesh.another_gateway(settings).await,
        ];
        let addresses = gateways.each_ref().map(GatewayReplica::address);
        let nginx = Nginx::changed(&addresses, exchanged);
        Self {
            mesh,
            gateways,
            nginx,
        }
    }

    /// How many requests to `path` each gateway answered, of `count`.
    async fn shares(&self, path: &str, count: usize) -> BTreeMap<String, usize> {
        let mut shares = BTreeMap::new();
        for entry in self.nginx.logged(path, count).await {
            // Of several that were tried the last one answered.
            let tried = entry["gateway"].as_str().unwrap();
            let answered = tried.rsplit(", ").next().unwrap().to_owned();
            *shares.entry(answered).or_default() += 1;
        }
        shares
    }
}

async fn problem(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let media_type = answer.headers()["content-type"].to_str().unwrap();
    assert_eq!(media_type, "application/problem+json");
    (status, answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_shared_evenly_over_encrypted_connections() {
    let house = House::open().await;
    let door = house.nginx.door();
    for _ in 0..40 {
        let answer = door.get(PRODUCTS).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(door.get_by_http2(PRODUCTS).await, 200);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        door.connect(&["http/1.1"], version).await;
    }
    let shares = house.shares(PRODUCTS, 41).await;
    assert_eq!(shares.len(), 2, "{shares:?}");
    assert!(shares.values().all(|share| *share >= 16), "{shares:?}");
    let entries = house.nginx.logged(PRODUCTS, 41).await;
    assert!(entries.iter().any(|entry| entry["protocol"] == "HTTP/2.0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_requests_are_sent_to_tls_but_for_the_proofs_of_a_certificate() {
    let house = House::open().await;
    house.nginx.prove("token", "token.thumbprint");
    let door = house.nginx.door();
    let answer = door
        .get_plainly("/api/v1/products?limit=1")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 308);
    assert_eq!(
        answer.headers()["location"],
        "https://shop.test/api/v1/products?limit=1"
    );
    let proof = door.get_plainly("/.well-known/acme-challenge/token");
    let proof = proof.send().await.unwrap();
    assert_eq!(proof.status(), 200);
    assert_eq!(proof.text().await.unwrap(), "token.thumbprint");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_gateway_takes_over_when_one_is_killed() {
    let mut house = House::open().await;
    let door = house.nginx.door();
    for round in 0..10 {
        if round == 5 {
            house.gateways[0].kill();
        }
        let asking = (0..10).map(|_| door.get(PRODUCTS).send());
        for answer in join_all(asking).await {
            assert_eq!(answer.unwrap().status(), 200, "round {round}");
        }
        // Of what changes something nothing was sent to the dead one: it is not tried twice.
        let body = json!({"email": "nobody@reen.example", "password": "wrong wrong"});
        let answer = door.post("/api/v1/auth/sign-in").json(&body).send().await;
        assert_eq!(answer.unwrap().status(), 401, "round {round}");
    }

    house.gateways[0].restart().await;
    let back = house.gateways[0].address().to_string();
    let before = house.shares(PRODUCTS, 100).await[&back];
    eventually("the first gateway to be asked again", async || {
        door.get(PRODUCTS).send().await.unwrap();
        let shares = house.shares(PRODUCTS, 100).await;
        (shares[&back] > before).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_gateway_the_refusal_is_a_problem_document() {
    let mut house = House::open().await;
    for gateway in &mut house.gateways {
        gateway.kill();
    }
    let request = house
        .nginx
        .door()
        .get(PRODUCTS)
        .header("x-request-id", "who-asks-1");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "2");
    assert_eq!(answer.headers()["x-request-id"], "who-asks-1");
    assert!(answer.headers().contains_key("strict-transport-security"));
    let (status, problem) = problem(answer).await;
    assert_eq!((status, &problem["code"]), (503, &json!("unavailable")));
    assert_eq!(problem["requestId"], "who-asks-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_passes_up_to_the_limit() {
    let house = House::open().await;
    let door = house.nginx.door();
    let sign_in = |length: usize| {
        let body = json!({"email": "a@reen.example", "password": "x".repeat(length)});
        door.post("/api/v1/auth/sign-in").json(&body).send()
    };
    let (status, refused) = problem(sign_in(900 * 1024).await.unwrap()).await;
    assert_eq!(
        (status, &refused["code"]),
        (422, &json!("validation_failed"))
    );
    let (status, refused) = problem(sign_in(2 * 1024 * 1024).await.unwrap()).await;
    assert_eq!((status, &refused["code"]), (413, &json!("body_too_large")));
    // The second never reached a gateway.
    let entries = house.nginx.logged("/api/v1/auth/sign-in", 2).await;
    assert_eq!(entries[1]["gateway"], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_is_let_go_and_reaches_no_gateway() {
    let hurry = [
        ("client_header_timeout 10s", "client_header_timeout 1s"),
        ("client_body_timeout 10s", "client_body_timeout 1s"),
    ];
    let house = House::with(PROXY, &hurry).await;
    let door = house.nginx.door();
    let head = "POST /api/v1/auth/sign-in HTTP/1.1\r\nhost: shop.test\r\n";
    let body = "content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    for sent in [head.to_owned(), format!("{head}{body}")] {
        let mut slow = door.connect(&["http/1.1"], &rustls::version::TLS13).await;
        slow.write_all(sent.as_bytes()).await.unwrap();
        assert_eq!(door.get(PRODUCTS).send().await.unwrap().status(), 200);
        let mut rest = Vec::new();
        // It says that it was too slow, or just closes.
        let _closed = slow.read_to_end(&mut rest).await;
        assert!(!String::from_utf8_lossy(&rest).contains("HTTP/1.1 2"));
    }
    let entries = house.nginx.logged("/api/v1/auth/sign-in", 1).await;
    for entry in entries {
        assert_eq!(
            (&entry["status"], &entry["gateway"]),
            (&json!("408"), &json!(""))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_know_who_asks_whatever_he_says() {
    let counted = [("TRUSTED_PROXIES", "127.0.0.1"), ("RATE_LIMIT_READ", "1/4")];
    let house = House::with(&counted, &[]).await;
    let [one, other] = [2, 3].map(|last| house.nginx.door_from(Ipv4Addr::new(127, 0, 0, last)));
    // Without Redis each of the two gateways counts four for itself.
    let mut statuses = Vec::new();
    for last in 1..=12 {
        let forged = one
            .get(PRODUCTS)
            .header("x-forwarded-for", format!("192.0.2.{last}"));
        statuses.push(forged.send().await.unwrap().status().as_u16());
    }
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!((3..=5).contains(&refused), "{statuses:?}");
    assert_eq!(other.get(PRODUCTS).send().await.unwrap().status(), 200);
    let entries = house.nginx.logged(PRODUCTS, 13).await;
    assert_eq!(entries[0]["client"], "127.0.0.2");
    assert_eq!(entries[12]["client"], "127.0.0.3");
    drop(house.mesh);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_one_client_stops_at_the_door() {
    let house = House::with(PROXY, &[]).await;
    let flood = house.nginx.door_from(Ipv4Addr::new(127, 0, 0, 2));
    // Fewer at once than there may be connections.
    let mut refused = 0;
    for _ in 0..10 {
        let asking = (0..50).map(|_| flood.get("/api/v1/no-such-thing").send());
        for answer in join_all(asking).await {
            let (status, problem) = problem(answer.unwrap()).await;
            if status == 429 {
                assert_eq!(problem["code"], "rate_limited");
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    let webhooks = "/api/v1/webhooks/stripe";
    let asking = (0..50).map(|_| flood.post(webhooks).body("{}").send());
    for answer in join_all(asking).await {
        let (status, problem) = problem(answer.unwrap()).await;
        assert_eq!((status, &problem["code"]), (400, &json!("bad_signature")));
    }
    let neighbour = house.nginx.door_from(Ipv4Addr::new(127, 0, 0, 3));
    assert_eq!(neighbour.get(PRODUCTS).send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_pass_as_they_come() {
    let stub = Stub::serving(async |mut stream: TcpStream| {
        head_of(&mut stream).await;
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-accel-buffering: no\r\n\r\n";
        let first = format!("{head}data: first\n\n");
        stream.write_all(first.as_bytes()).await.unwrap();
        // The stream stays open for as long as the client listens.
        let _until_it_leaves = stream.read_u8().await;
    })
    .await;
    let nginx = Nginx::before(&[stub.address, stub.address]);
    let mut events = nginx.door().get("/events").send().await.unwrap();
    let first = events.chunk().await.unwrap().unwrap();
    assert_eq!(first.as_ref(), b"data: first\n\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_passed_on_as_one() {
    let stub = Stub::serving(async |mut stream: TcpStream| {
        let asked = head_of(&mut stream).await.to_lowercase();
        assert!(asked.contains("\r\nupgrade: websocket\r\n"), "{asked}");
        assert!(asked.contains("\r\nconnection: upgrade\r\n"), "{asked}");
        let answer =
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        let said = stream.read_u8().await.unwrap();
        stream.write_all(&[said + 1]).await.unwrap();
    })
    .await;
    let nginx = Nginx::before(&[stub.address, stub.address]);
    let mut socket = nginx
        .door()
        .connect(&["http/1.1"], &rustls::version::TLS13)
        .await;
    let request = "GET /socket HTTP/1.1\r\nhost: shop.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    assert!(head_of(&mut socket).await.starts_with("HTTP/1.1 101 "));
    socket.write_all(&[41]).await.unwrap();
    assert_eq!(socket.read_u8().await.unwrap(), 42);
}

#[test]
fn what_nginx_refuses_says_what_the_gateway_would_say() {
    let text = std::fs::read_to_string(workspace().join("nginx/problems.conf")).unwrap();
    let refusals = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("return "));
    let refusals: Vec<&str> = refusals.collect();
    assert_eq!(refusals.len(), 5);
    for refusal in refusals {
        let (status, document) = refusal.split_once(' ').unwrap();
        let document = document.trim_matches([';', '\'']);
        let document: Value = serde_json::from_str(document).unwrap();
        let code = Code::from_word(document["code"].as_str().unwrap()).unwrap();
        assert_eq!(status, code.http().to_string());
        assert_eq!(document["status"], code.http());
        assert_eq!(document["statusCode"], code.http());
        assert_eq!(document["title"], code.title());
        assert_eq!(document["message"], document["detail"]);
        assert_eq!(
            document["type"],
            format!("urn:problem-type:reen:{}", code.word())
        );
    }
}
