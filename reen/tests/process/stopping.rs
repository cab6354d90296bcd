use std::time::Duration;

use reen_testkit::{TestBroker, TestDatabase};

use crate::support::{Role, Settings, settings};

const DATABASES: [&str; 6] = [
    "AUTH",
    "PRODUCTS",
    "CART_ITEMS",
    "CHECKOUT",
    "ORDERS",
    "EVENTS",
];

fn with_databases(databases: &[TestDatabase; 6], broker: &TestBroker) -> Settings {
    let mut settings = settings(&[
        ("MESSAGE_BROKER_URL", broker.url_text()),
        ("DRAIN_SECONDS", "1"),
    ]);
    for (name, database) in DATABASES.iter().zip(databases) {
        let url = database.url_text().to_owned();
        settings.insert(format!("{name}_DATABASE_URL"), url);
    }
    settings
}

async fn gateway(broker: &TestBroker, own: &[(&str, &str)]) -> Role {
    let broker = ("MESSAGE_BROKER_URL", broker.url_text());
    let settings = settings(&[own, &[broker]].concat());
    Role::ready("gateway", settings, "GATEWAY_ADMIN_PORT").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mesh_says_that_it_leaves_works_on_and_ends_from_the_outside_in() {
    let databases = [(); 6].map(|()| TestDatabase::fresh());
    let broker = TestBroker::fresh().await;
    let settings = with_databases(&databases, &broker);
    let mut mesh = Role::ready("all", settings, "GATEWAY_ADMIN_PORT").await;
    mesh.until("ORDERS_ADMIN_PORT", 200).await;

    mesh.process.terminate();
    let report = mesh.until("GATEWAY_ADMIN_PORT", 503).await;
    assert_eq!(report["status"], "not ready");
    let (status, products) = mesh.get("PORT", "/api/v1/products").unwrap();
    assert_eq!(status, 200, "{products}");
    mesh.until("ORDERS_ADMIN_PORT", 503).await;

    let (code, _) = mesh.process.ended().await;
    let log = mesh.process.log();
    assert_eq!(code, 0, "{log}");
    let ends = log.lines().filter(|line| line.contains("role has ended"));
    let ends: Vec<&str> = ends.collect();
    assert_eq!(ends.len(), 7, "{log}");
    assert!(ends[0].contains("gateway"), "{log}");
    assert!(ends[1].contains("events-handler"), "{log}");
    assert!(log.trim_end().ends_with("stopped"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_in_flight_is_finished_and_the_last_of_its_connection() {
    let broker = TestBroker::fresh().await;
    let mut gateway = gateway(&broker, &[]).await;
    let request = gateway.request_in_flight();
    gateway.process.terminate();
    gateway.process.logged("stopping").await;
    let answer = request.finish();
    // Nobody is behind it.
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"));
    assert_eq!(
        gateway.process.ended().await.0,
        0,
        "{}",
        gateway.process.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_in_time_is_cut_off_and_named() {
    let broker = TestBroker::fresh().await;
    let mut gateway = gateway(&broker, &[("STOP_SECONDS", "1")]).await;
    let _request = gateway.request_in_flight();
    gateway.process.terminate();
    let (code, took) = gateway.process.ended().await;
    assert_eq!(code, 1, "{}", gateway.process.log());
    assert!(took < Duration::from_secs(3), "{took:?}");
    let line = gateway.process.logged("not stopped after 1s").await;
    assert!(line.contains("cut off: gateway: requests"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_signal_ends_it_at_once() {
    let broker = TestBroker::fresh().await;
    let mut gateway = gateway(&broker, &[]).await;
    let _request = gateway.request_in_flight();
    gateway.process.terminate();
    gateway.process.logged("stopping").await;
    gateway.process.terminate();
    let (code, took) = gateway.process.ended().await;
    assert_eq!(code, 1, "{}", gateway.process.log());
    assert!(took < Duration::from_secs(3), "{took:?}");
    gateway.process.logged("told a second time to stop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_still_waits_for_its_database_can_be_stopped() {
    let nowhere = "mongodb://127.0.0.1:1/carts?replicaSet=rs0";
    let settings = settings(&[("CART_ITEMS_DATABASE_URL", nowhere)]);
    let mut carts = Role::start("cart-items", settings).process;
    carts.logged("waiting for MongoDB").await;
    carts.terminate();
    let (code, took) = carts.ended().await;
    assert_eq!(code, 0, "{}", carts.log());
    assert!(took < Duration::from_secs(3), "{took:?}");
}
