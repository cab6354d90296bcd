//! Something is away: 503 within the deadline, and recovery by itself.

use std::time::{Duration, Instant};

use reen_messaging::Delivery;
use reen_proto::events::v1::WebhookReceived;
use reen_testkit::{FaultProxy, TestBroker, eventually};
use reqwest::Method;
use tokio::net::TcpListener;

use crate::support::{BUYER, Gateway, product, send};

const BODY: &str = r#"{"id":"evt_1","type":"checkout.session.completed"}"#;
/// Of the request timeout; refused connections take no time at all.
const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_peer_that_is_away_is_503_until_it_is_back() {
    let mut gateway = Gateway::start().await;
    gateway.mesh.with(|state| state.products = vec![product(1)]);
    for (peer, path) in [
        ("products", "/products"),
        ("orders", "/orders"),
        ("cart-items", "/cart-items"),
        ("checkout", "/checkout/66f0c0ffee66f0c0ffee0c01"),
    ] {
        let request = || gateway.signed_in(BUYER, Method::GET, path);
        assert_eq!(send(request()).await.status, 200);
        gateway.peers[peer].go().await;
        // A connection that is being closed may still carry a call or two.
        let answer = eventually("the peer is missed", async || {
            let started = Instant::now();
            let answer = send(request()).await;
            assert!(started.elapsed() < DEADLINE);
            (answer.status != 200).then_some(answer)
        })
        .await;
        assert_eq!(answer.problem(), (503, "unavailable".to_owned()), "{path}");
        assert!(!answer.text.contains("127.0.0.1"), "shows an address");
        gateway.peers.get_mut(peer).unwrap().come_back().await;
        eventually("the peer answers again", async || {
            let request = gateway.signed_in(BUYER, Method::GET, path);
            (send(request).await.status == 200).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn without_auth_nobody_can_be_recognised_and_the_catalogue_says_so() {
    let mut gateway = Gateway::start().await;
    gateway.peers["auth"].go().await;
    let answer = send(gateway.signed_in(BUYER, Method::GET, "/orders")).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()), "not 401");
    gateway.peers.get_mut("auth").unwrap().come_back().await;
    eventually("tokens are verified again", async || {
        let request = gateway.signed_in(BUYER, Method::GET, "/orders");
        (send(request).await.status == 200).then_some(())
    })
    .await;
    gateway.peers["auth"].go().await;
    let token = gateway.keys.token(BUYER);
    let request = gateway
        .get("/checkout/66f0c0ffee66f0c0ffee0c01")
        .bearer_auth(token);
    assert_eq!(send(request).await.status, 200, "known keys are enough");
}

#[tokio::test]
async fn a_peer_that_never_answers_is_504_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let settings = [
        ("PRODUCTS_SERVICE_URL", address.as_str()),
        ("REQUEST_TIMEOUT_MS", "300"),
    ];
    let gateway = Gateway::start_with(&settings).await;
    let started = Instant::now();
    let answer = send(gateway.get("/products")).await;
    assert_eq!(answer.problem(), (504, "deadline_exceeded".to_owned()));
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_peer_that_is_away_is_told_to_operators_and_the_others_are_still_served() {
    let gateway = Gateway::start().await;
    let ready = |base: &str| gateway.client.get(format!("{base}/health/ready"));
    let public = ready(&gateway.base);
    assert_eq!(send(public).await.status, 200);
    let live = gateway.client.get(format!("{}/health/live", gateway.base));
    gateway.peers["orders"].go().await;
    assert_eq!(send(live).await.json()["status"], "live");
    let public = send(ready(&gateway.base)).await;
    assert_eq!(public.status, 200);
    assert!(!public.text.contains("orders"), "details are for operators");
    let admin = send(ready(&gateway.admin)).await;
    assert_eq!(admin.status, 200);
    let report = admin.json();
    let away = report["dependencies"].as_array().unwrap().iter();
    let away: Vec<_> = away.filter(|each| each["ready"] == false).collect();
    assert_eq!((away.len(), &away[0]["name"]), (1, &"orders".into()));
    assert_eq!(away[0]["needed"], false);
    assert_eq!(send(gateway.get("/products")).await.status, 200);
}

#[tokio::test]
async fn without_the_broker_no_event_is_accepted() {
    let broker = TestBroker::fresh().await;
    let proxy = FaultProxy::to(broker.url_text()).await;
    let url = proxy.through(broker.url_text());
    let mut gateway = Gateway::start_with(&[("MESSAGE_BROKER_URL", &url)]).await;
    gateway.use_broker(broker);
    assert_eq!(gateway.send_event(BODY).await.status, 200);
    proxy.cut();
    let started = Instant::now();
    let answer = gateway.send_event(BODY).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
    assert!(started.elapsed() < DEADLINE);
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    proxy.restore();
    eventually("events are accepted again", async || {
        (gateway.send_event(BODY).await.status == 200).then_some(())
    })
    .await;
    let event = gateway
        .next_message(Delivery::decode::<WebhookReceived>)
        .await;
    assert_eq!(event.event_id, "evt_1");
}
