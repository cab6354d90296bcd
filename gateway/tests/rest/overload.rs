//! Too much at once: requests, connections, headers, and clients that take their time.

use reen_testkit::eventually;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Answer, Gateway, product, send};

const SIGN_IN: &str = "POST /api/v1/auth/sign-in HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
     expect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n";
const WEBHOOK: &str = "POST /api/v1/webhooks/stripe HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
     expect: 100-continue\r\nstripe-signature: t=1,v1=00\r\ncontent-length: 2\r\n\r\n";

/// Begins a request that is in flight from now on, because its body does not come.
async fn begin(gateway: &Gateway, head: &str) -> TcpStream {
    let address = gateway.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut heard = vec![0; 25];
    stream.read_exact(&mut heard).await.unwrap();
    assert!(heard.starts_with(b"HTTP/1.1 100"), "it waits for the body");
    stream
}

async fn begin_many(gateway: &Gateway, count: usize) -> Vec<TcpStream> {
    let beginning = (0..count).map(|_| begin(gateway, SIGN_IN));
    futures::future::join_all(beginning).await
}

async fn read(gateway: &Gateway) -> Answer {
    send(gateway.get("/products")).await
}

async fn write(gateway: &Gateway) -> Answer {
    let body = json!({"email": "ada@example.com", "password": "x"});
    send(gateway.post("/auth/sign-in").json(&body)).await
}

/// It was refused because there is too much to do.
fn assert_shed(answer: &Answer) {
    assert_eq!(answer.problem(), (503, "overloaded".to_owned()));
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
}

#[tokio::test]
async fn reads_are_refused_first_and_webhooks_last() {
    // Whatever the machine is busy with, the requests that were begun are in flight until the end.
    let settings = [("MAX_IN_FLIGHT", "10"), ("REQUEST_TIMEOUT_MS", "300000")];
    let gateway = Gateway::start_with(&settings).await;
    let mut begun = begin_many(&gateway, 7).await;
    assert_eq!(read(&gateway).await.status, 200, "the eighth");
    begun.extend(begin_many(&gateway, 1).await);
    assert_shed(&read(&gateway).await);
    assert_eq!(write(&gateway).await.status, 200, "the ninth");
    begun.extend(begin_many(&gateway, 1).await);
    assert_shed(&write(&gateway).await);
    let event = r#"{"id":"evt_1","type":"checkout.session.completed"}"#;
    assert_eq!(gateway.send_event(event).await.status, 200, "the tenth");
    begun.push(begin(&gateway, WEBHOOK).await);
    assert_shed(&gateway.send_event(event).await);
    for path in ["/health/live", "/health/ready"] {
        let url = format!("{}{path}", gateway.base);
        assert_eq!(send(gateway.client.get(url)).await.status, 200, "{path}");
    }
    let nothing = send(gateway.get("/nothing")).await;
    assert_eq!(nothing.problem().0, 404, "costs nothing");
    drop(begun);
    eventually("there to be room again", async || {
        (read(&gateway).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_connection_too_many_waits_for_its_turn() {
    let gateway = Gateway::start_with(&[("MAX_CONNECTIONS", "2")]).await;
    let mut first = begin(&gateway, SIGN_IN).await;
    let _second = begin(&gateway, SIGN_IN).await;
    let address = gateway.base.strip_prefix("http://").unwrap();
    let mut third = TcpStream::connect(address).await.unwrap();
    let request = b"GET /health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    third.write_all(request).await.unwrap();
    first.write_all(b"{}").await.unwrap();
    let (mut refused, mut answered) = (String::new(), String::new());
    first.read_to_string(&mut refused).await.unwrap();
    assert!(refused.starts_with("HTTP/1.1 422"), "{refused}");
    third.read_to_string(&mut answered).await.unwrap();
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
}

#[tokio::test]
async fn who_does_not_read_the_answer_is_hung_up_on() {
    let settings = [("MAX_CONNECTIONS", "1"), ("REQUEST_TIMEOUT_MS", "1000")];
    let gateway = Gateway::start_with(&settings).await;
    let mut lamp = product(1);
    lamp.description = "warm light ".repeat(2_000);
    let lamps = vec![lamp; 1_000];
    gateway.mesh.with(|state| state.products = lamps);
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let address = gateway.base.strip_prefix("http://").unwrap();
    let mut slow = socket.connect(address.parse().unwrap()).await.unwrap();
    let request = b"GET /api/v1/products HTTP/1.1\r\nhost: a\r\n\r\n";
    slow.write_all(request).await.unwrap();
    let mut beginning = vec![0; 15];
    slow.read_exact(&mut beginning).await.unwrap();
    assert_eq!(beginning, b"HTTP/1.1 200 OK", "the answer is on its way");
    let url = format!("{}/health/live", gateway.base);
    let other = send(gateway.client.get(url)).await;
    assert_eq!(other.status, 200, "the only connection is free again");
    let mut rest = Vec::new();
    let _broken = slow.read_to_end(&mut rest).await;
    assert!(rest.len() < 20_000_000, "{} bytes", rest.len());
}

#[tokio::test]
async fn heads_are_bounded() {
    let gateway = Gateway::start().await;
    let with_headers = |count: usize, length: usize| {
        let value = "a".repeat(length);
        let request = gateway.get("/products");
        let request = (0..count).fold(request, |request, number| {
            request.header(format!("x-padding-{number}"), &value)
        });
        send(request)
    };
    assert_eq!(with_headers(90, 600).await.status, 200);
    for (count, length) in [(120, 1), (5, 14_000)] {
        let refused = with_headers(count, length).await;
        assert_eq!(refused.problem(), (431, "headers_too_large".to_owned()));
    }
    let address = |length: usize| {
        let path = format!("/products?name={}", "a".repeat(length));
        send(gateway.request(Method::GET, &path))
    };
    assert_eq!(address(100).await.status, 200);
    let refused = address(8_200).await;
    assert_eq!(refused.problem(), (414, "address_too_long".to_owned()));
}
