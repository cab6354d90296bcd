//! Long answers are compressed for who can read that, and have tags of their own then.

use std::io::Read as _;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::support::{BUYER, Gateway, PRODUCT, product, send};

/// A gateway whose only product has a long description.
async fn wordy() -> Gateway {
    let gateway = Gateway::start().await;
    let mut lamp = product(1);
    lamp.description = "warm light ".repeat(200);
    gateway.mesh.with(|state| state.products = vec![lamp]);
    gateway
}

fn lamp(gateway: &Gateway) -> RequestBuilder {
    gateway.get(&format!("/products/{PRODUCT}"))
}

async fn bytes(request: RequestBuilder) -> (HeaderMap, Vec<u8>) {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let headers = response.headers().clone();
    (headers, response.bytes().await.unwrap().to_vec())
}

fn varies_by_coding(headers: &HeaderMap) -> bool {
    let mut varies = headers.get_all("vary").iter();
    varies.any(|value| value.to_str().unwrap().contains("accept-encoding"))
}

#[tokio::test]
async fn who_can_read_it_gets_it_compressed() {
    let gateway = wordy().await;
    for path in ["/products", &format!("/products/{PRODUCT}")] {
        let (headers, bare) = bytes(gateway.get(path)).await;
        assert!(headers.get("content-encoding").is_none(), "{path}");
        assert!(varies_by_coding(&headers), "{path}: {headers:?}");
        for (accepted, coding) in [
            ("gzip, deflate, br", "br"),
            ("gzip", "gzip"),
            ("br;q=0.1, gzip;q=0.9, *;q=0", "gzip"),
        ] {
            let request = gateway.get(path).header("accept-encoding", accepted);
            let (headers, compressed) = bytes(request).await;
            assert_eq!(headers["content-encoding"], coding, "{path} {accepted}");
            assert!(varies_by_coding(&headers), "{path} {accepted}");
            assert!(compressed.len() * 4 < bare.len(), "{path} {accepted}");
            assert_eq!(unpack(coding, &compressed), bare, "{path} {accepted}");
        }
    }
}

fn unpack(coding: &str, compressed: &[u8]) -> Vec<u8> {
    let mut bare = Vec::new();
    let read = match coding {
        "br" => brotli_decompressor::Decompressor::new(compressed, 4_096).read_to_end(&mut bare),
        _ => flate2::read::GzDecoder::new(compressed).read_to_end(&mut bare),
    };
    read.unwrap();
    bare
}

#[tokio::test]
async fn what_is_short_or_not_asked_for_is_not_compressed() {
    let gateway = wordy().await;
    for accepted in [
        "identity",
        "gzip;q=0, br;q=0",
        "deflate",
        "identity;q=0",
        "",
    ] {
        let (headers, _) = bytes(lamp(&gateway).header("accept-encoding", accepted)).await;
        assert!(headers.get("content-encoding").is_none(), "{accepted}");
    }
    let url = format!("{}/health/live", gateway.base);
    let (headers, _) = bytes(gateway.client.get(url).header("accept-encoding", "gzip")).await;
    assert!(headers.get("content-encoding").is_none());
}

#[tokio::test]
async fn each_coding_has_a_tag_that_is_known_again() {
    let gateway = wordy().await;
    let (headers, _) = bytes(lamp(&gateway)).await;
    let bare = headers["etag"].to_str().unwrap().to_owned();
    let zipped = || lamp(&gateway).header("accept-encoding", "gzip");
    let (headers, _) = bytes(zipped()).await;
    let tag = headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(tag, format!("{}-gzip\"", bare.strip_suffix('"').unwrap()));
    for known in [&tag, &bare, &format!("\"x\", {tag}")] {
        let again = send(zipped().header("if-none-match", known)).await;
        assert_eq!((again.status.as_u16(), &*again.text), (304, ""), "{known}");
        let expected = if known.contains("gzip") { &tag } else { &bare };
        assert_eq!(again.header("etag"), expected);
        assert!(varies_by_coding(&again.headers), "{known}");
    }
    let unreadable = send(lamp(&gateway).header("if-none-match", &tag)).await;
    assert_eq!(unreadable.status, 200, "it cannot have what it cannot read");
    let head = gateway.request(Method::HEAD, &format!("/products/{PRODUCT}"));
    let head = send(head.header("accept-encoding", "gzip")).await;
    assert_eq!(head.header("etag"), tag);
    assert_eq!(head.header("content-encoding"), "gzip");
    assert!(head.headers.get("content-length").is_none(), "{head:?}");
}

#[tokio::test]
async fn a_change_may_name_the_tag_of_a_compressed_answer() {
    let gateway = wordy().await;
    let (headers, _) = bytes(lamp(&gateway).header("accept-encoding", "br")).await;
    let tag = headers["etag"].to_str().unwrap().to_owned();
    assert!(tag.ends_with("-br\""), "{tag}");
    let change = |tag: &str| {
        let path = format!("/products/{PRODUCT}");
        let request = gateway.signed_in(BUYER, Method::PATCH, &path);
        send(request.header("if-match", tag).json(&json!({"price": 1})))
    };
    assert_eq!(change(&tag).await.status, 200);
    let stale = change("\"2-000000000000000000000000-br\"").await;
    assert_eq!(stale.problem(), (412, "precondition_failed".to_owned()));
}
