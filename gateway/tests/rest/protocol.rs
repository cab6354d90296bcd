//! HTTP itself: methods, request ids, other origins, headers, slow clients, stopping.

use reen_testkit::eventually;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{BUYER, Gateway, ORIGIN, PRODUCT, product, send, talk};

#[tokio::test]
async fn unknown_routes_and_methods_are_problems() {
    let gateway = Gateway::start().await;
    for path in ["/", "/api/v1", "/api/v1/nothing", "/api/v3/products", "//"] {
        let answer = send(gateway.client.get(format!("{}{path}", gateway.base))).await;
        assert_eq!(
            answer.problem(),
            (404, "route_not_found".to_owned()),
            "{path}"
        );
    }
    let answer = send(gateway.request(Method::PUT, "/products")).await;
    assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()));
    let mut allowed: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(
        allowed,
        ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST"]
    );
    assert_eq!(answer.json()["instance"], "/api/v1/products");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let gateway = Gateway::start().await;
    gateway.mesh.with(|state| state.products = vec![product(1)]);
    for path in ["/products".to_owned(), format!("/products/{PRODUCT}")] {
        let get = send(gateway.get(&path)).await;
        let head = send(gateway.request(Method::HEAD, &path)).await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""));
        assert_eq!(head.headers.get("etag"), get.headers.get("etag"));
        assert_eq!(head.header("content-length"), get.text.len().to_string());
    }
    let refused = send(gateway.request(Method::HEAD, "/orders")).await;
    assert_eq!((refused.status.as_u16(), refused.text.as_str()), (401, ""));
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let gateway = Gateway::start().await;
    let with = |id: &str| gateway.get("/products").header("x-request-id", id);
    let sane = send(with("order-42_a.B")).await;
    assert_eq!(sane.header("x-request-id"), "order-42_a.B");
    let long = "a".repeat(65);
    for insane in ["short", "has space in it", "<script>alert</script>", &long] {
        let answer = send(with(insane)).await;
        let id = answer.header("x-request-id");
        assert!(id != insane && id.len() == 36, "{insane}: {id}");
    }
    let other = send(gateway.client.get(format!("{}/nothing", gateway.base))).await;
    assert_eq!(other.problem().0, 404);
}

#[tokio::test]
async fn pages_of_the_storefront_may_call_and_others_may_not() {
    let gateway = Gateway::start().await;
    let preflight = |origin: &str| {
        let request = gateway
            .request(Method::OPTIONS, "/cart-items")
            .header("origin", origin);
        request
            .header("access-control-request-method", "PATCH")
            .header(
                "access-control-request-headers",
                "authorization,content-type",
            )
    };
    let allowed = send(preflight(ORIGIN)).await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(allowed.header("access-control-allow-credentials"), "true");
    assert!(
        allowed
            .header("access-control-allow-methods")
            .contains("PATCH")
    );
    assert!(
        allowed
            .header("access-control-allow-headers")
            .contains("authorization")
    );
    let refused = send(preflight("https://evil.example")).await;
    assert!(refused.headers.get("access-control-allow-origin").is_none());
    let answer = send(gateway.get("/orders").header("origin", ORIGIN)).await;
    assert_eq!(answer.problem().0, 401);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        ORIGIN,
        "errors too"
    );
    let exposed = answer.header("access-control-expose-headers");
    for header in ["x-request-id", "x-total-count", "link", "etag"] {
        assert!(exposed.contains(header), "{header} in {exposed}");
    }
}

#[tokio::test]
async fn browsers_are_told_what_not_to_do() {
    let gateway = Gateway::start().await;
    let answer = send(gateway.get("/orders")).await;
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("x-frame-options"), "DENY");
    assert!(
        answer
            .header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn slow_clients_are_hung_up_on() {
    let gateway = Gateway::start_with(&[("REQUEST_TIMEOUT_MS", "300")]).await;
    assert!(!talk(&gateway, "").await.contains("200"), "says nothing");
    assert!(
        !talk(&gateway, "GET / HTTP/1.1\r\nhost: a\r\nx-slow: ")
            .await
            .contains("200")
    );
    let head = "POST /api/v1/auth/sign-in HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let answer = talk(&gateway, head).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("request_timeout"), "{answer}");
}

#[tokio::test]
async fn a_body_of_unknown_length_is_bounded_as_well() {
    let gateway = Gateway::start_with(&[("BODY_LIMIT_BYTES", "20")]).await;
    let head = "POST /api/v1/auth/sign-in HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunks = format!("10\r\n{}\r\n", " ".repeat(16)).repeat(2);
    let answer = talk(&gateway, &format!("{head}{chunks}0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let gateway = Gateway::start().await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(200_000));
    for garbage in [
        "hello\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET  /\r\n\r\n",
        &long,
    ] {
        let answer = talk(&gateway, garbage).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    assert_eq!(
        send(gateway.get("/products")).await.status,
        200,
        "still there"
    );
}

#[tokio::test]
async fn the_request_id_and_the_user_travel_on() {
    let gateway = Gateway::start().await;
    let request = gateway.signed_in(BUYER, Method::GET, "/orders");
    send(request.header("x-request-id", "trace-me-please")).await;
    assert_eq!(gateway.mesh.user_of("ListOrders").as_deref(), Some(BUYER));
    send(gateway.get("/products")).await;
    assert_eq!(gateway.mesh.last_user(), None, "nobody is signed in here");
    let body = json!({"email": "a@b.example", "password": "x"});
    let request = gateway.signed_in(BUYER, Method::POST, "/auth/sign-in");
    send(request.json(&body)).await;
    assert_eq!(
        gateway.mesh.last_user(),
        None,
        "credentials are not looked at where none are needed"
    );
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_gateway_stops() {
    let mut gateway = Gateway::start().await;
    let address = gateway.base.strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = "POST /api/v1/auth/sign-in HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut heard = vec![0; 25];
    stream.read_exact(&mut heard).await.unwrap();
    assert!(
        heard.starts_with(b"HTTP/1.1 100"),
        "the request is being worked on"
    );
    let running = gateway.stop();
    eventually("no more connections", async || {
        TcpStream::connect(&address).await.err()
    })
    .await;
    stream.write_all(b"{}").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    running.await.unwrap().unwrap();
}
