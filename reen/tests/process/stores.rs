use bson::doc;
use mongodb::Client;
use reen_backends::mongo::{Mongod, ReplicaSet};
use reen_backends::private_folder;
use reen_testkit::TestBroker;
use serde_json::Value;

use crate::support::{Role, settings};

const ADMIN: &str = "CART_ITEMS_ADMIN_PORT";

fn dependency<'a>(report: &'a Value, name: &str) -> &'a Value {
    let all = report["dependencies"].as_array().unwrap();
    let named = all.iter().find(|each| each["name"] == name);
    named.unwrap_or(&Value::Null)
}

/// Has MongoDB refuse writes, as it does when its disk is full.
async fn block_writes(mongo: &Client, block: bool) {
    let command = doc! {"setUserWriteBlockMode": 1, "global": block};
    mongo.database("admin").run_command(command).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_writes_is_told_once_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mongod = Mongod::find(&private_folder()).unwrap();
    let mut set = ReplicaSet::start(&mongod, folder.path(), 1).unwrap();
    let url = set.url().replace("/?", "/carts?");
    let client = Client::with_uri_str(&url).await.unwrap();
    let settings = settings(&[("CART_ITEMS_DATABASE_URL", &url)]);
    let carts = Role::ready("cart-items", settings, ADMIN).await;

    block_writes(&client, true).await;
    let report = carts.until(ADMIN, 503).await;
    let problem = dependency(&report, "mongodb")["problem"].to_string();
    assert!(problem.contains("writes are refused: look at MongoDB's log and at its disk"));
    block_writes(&client, false).await;
    carts.until(ADMIN, 200).await;
    let back = carts.process.logged("a dependency is back").await;
    assert!(back.contains("mongodb"), "{back}");
    let log = carts.process.log();
    assert_eq!(log.matches("writes are refused").count(), 1, "{log}");

    set.kill(0);
    let report = carts.until(ADMIN, 503).await;
    let problem = dependency(&report, "mongodb")["problem"].to_string();
    assert!(problem.contains("no primary can be reached"), "{problem}");
    set.restart(0).unwrap();
    carts.until(ADMIN, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_are_away_are_told_and_take_nobody_out_of_rotation() {
    let broker = TestBroker::fresh().await;
    let settings = settings(&[("MESSAGE_BROKER_URL", broker.url_text())]);
    let gateway = Role::ready("gateway", settings, "GATEWAY_ADMIN_PORT").await;
    let report = gateway.until("GATEWAY_ADMIN_PORT", 200).await;
    let orders = dependency(&report, "orders");
    assert_eq!(
        (&orders["ready"], &orders["needed"]),
        (&false.into(), &false.into())
    );
    let problem = orders["problem"].to_string();
    assert!(problem.contains("no replica answers"), "{problem}");
    assert_eq!(dependency(&report, "rabbitmq")["ready"], true);
    for name in ["auth", "products", "cart-items", "checkout", "orders"] {
        let told = format!("a dependency is away dependency=\"{name}\"");
        gateway.process.logged(&told).await;
        assert_eq!(gateway.process.log().matches(&told).count(), 1);
    }
}
