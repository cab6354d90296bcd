//! A mesh that has worked, as Prometheus sees it.

use std::collections::BTreeSet;

use reen_backends::ports;
use reen_chassis::metrics;
use reen_testkit::{Backends, eventually};
use reen_tests::{Client, GatewayReplica, Mesh, Scene};

use crate::exposition::Exposition;
use crate::expressions::{of_dashboards, of_rules};
use crate::promtool::promtool;

/// Of all processes together, which are one here.
const MOST_SERIES: usize = 1_500;
/// Prometheus itself makes it of whether it gets an answer.
const MADE_BY_PROMETHEUS: [&str; 1] = ["up"];

/// A mesh that is measured, and where it is asked.
async fn measured_mesh() -> (Mesh, String) {
    metrics::install();
    let port = ports::choose().unwrap().to_string();
    let redis = Backends::find().redis;
    let settings = [
        ("GATEWAY_ADMIN_PORT", port.as_str()),
        ("REDIS_SERVICE_URL", &redis),
        ("RECONCILE_EVERY_SECONDS", "1"),
    ];
    let mesh = Mesh::start_with(&settings).await;
    (mesh, format!("http://127.0.0.1:{port}/metrics"))
}

async fn scrape(url: &str) -> Exposition {
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), 200);
    Exposition(answer.text().await.unwrap())
}

/// One of each: a purchase, an answer that was remembered, a mistake, a request too many.
async fn work(scene: &Scene) {
    scene.buyer.buy(&scene.product, 1).await;
    let product = format!("/products/{}", scene.product);
    for _twice in 0..2 {
        scene.buyer.get(&product).await.ok();
    }
    let unknown = scene.buyer.get("/products/000000000000000000000000").await;
    assert_eq!(unknown.status, 404);
    let own = [("GATEWAY_ADMIN_PORT", "0"), ("RATE_LIMIT_READ", "1/1")];
    let strict = scene.mesh.another_gateway(&own).await;
    ask_until_refused(&scene.buyer, &strict).await;
}

async fn ask_until_refused(buyer: &Client, gateway: &GatewayReplica) {
    let there = buyer.at(&format!("http://{}", gateway.address()));
    eventually("a request too many", async || {
        (there.get("/products").await.status == 429).then_some(())
    })
    .await;
}

/// What somebody looks at and nobody tells.
fn missing(told: &Exposition) -> Vec<String> {
    let names = told.names();
    let mut missing = Vec::new();
    for expression in of_rules().iter().chain(&of_dashboards()) {
        let asked = expression.metrics();
        let untold: BTreeSet<_> = asked.difference(&names).collect();
        let untold = untold
            .iter()
            .filter(|name| !MADE_BY_PROMETHEUS.contains(name));
        missing.extend(untold.map(|name| format!("{}: {name}", expression.asker)));
    }
    missing
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_looked_at_is_told_by_a_mesh_that_has_worked() {
    let (mesh, url) = measured_mesh().await;
    let scene = Scene::on(mesh, "10", 5).await;
    work(&scene).await;
    // Sagas end, and gauges are brought up to date, a little later.
    let told = eventually("every metric that is looked at", async || {
        let told = scrape(&url).await;
        let missing = missing(&told);
        eprintln!("nobody tells {missing:?}");
        missing.is_empty().then_some(told)
    });
    let told = told.await;
    promtool(&["check", "metrics"], &[], &told.0);
    few_and_without_ids(&told, &scene);
    of_this_work(&told);
}

/// However long a mesh works, it tells no more than this: nothing that is told apart is made up by clients.
fn few_and_without_ids(told: &Exposition, scene: &Scene) {
    let count = told.series().count();
    eprintln!("{count} series");
    assert!(count < MOST_SERIES, "{count} series");
    let is_id = |value: &str| value.len() >= 24 && value.bytes().all(|it| it.is_ascii_hexdigit());
    for (series, value) in told.label_values() {
        let has_id = value.split(['/', ':', '-']).any(is_id);
        assert!(!has_id && !value.contains('@'), "{series}");
        assert!(!value.contains(&scene.product), "{series}");
    }
}

fn of_this_work(told: &Exposition) {
    for series in [
        r#"reen_http_requests_total{route="/api/v1/checkout",method="POST",status="2xx"}"#,
        r#"reen_http_requests_total{route="/api/v1/webhooks/stripe",method="POST",status="2xx"}"#,
        r#"reen_grpc_server_calls_total{service="reen.orders.v1.Orders",method="CreateOrder",code="ok"}"#,
        r#"reen_grpc_client_calls_total{from="gateway",peer="products",code="ok"}"#,
        r#"reen_sagas_finished_total{kind="order-completed",status="done"}"#,
        r#"reen_saga_steps_total{kind="order-completed",step="create-order",outcome="done"}"#,
        r#"reen_gateway_refusals_total{code="rate_limited",class="read"}"#,
        r#"reen_gateway_cache_reads_total{from="process"}"#,
        r#"reen_messages_total{verdict="done"}"#,
        "process_resident_memory_bytes",
        "reen_mongo_connections",
    ] {
        let value = told.value(series);
        assert!(
            value.is_some_and(|value| value > 0.0),
            "{series}: {value:?}"
        );
    }
}
