//! A client that is generated from the document of the second version compiles, and buys something.

use std::path::PathBuf;

use reen_tests::{Scene, assert_invariants};
use serde_json::Value;
use tokio::process::Command;

const PRICE: &str = "49.99";
const TWO_PIECES: i64 = 9_998;

/// Runs a program in the folder of the client and answers what it printed.
async fn run(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../clients/typescript");
    let done = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(folder)
        .kill_on_drop(true)
        .output()
        .await;
    let done = done.unwrap_or_else(|error| {
        panic!("{program}: {error}; Node.js and npm are needed: apt-get install nodejs npm")
    });
    let (out, err) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert!(done.status.success(), "{program} {arguments:?}: {out}{err}");
    out.into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generated_client_buys_something() {
    run("npm", &["ci", "--no-audit", "--no-fund"], &[]).await;
    run("npm", &["run", "generate"], &[]).await;
    run("npm", &["run", "check"], &[]).await;
    let scene = Scene::with(PRICE, 5).await;
    scene.seller.list_product("0.01", 5).await;
    let variables = [
        ("REEN_GATEWAY", scene.mesh.gateway.as_str()),
        ("REEN_STRIPE", scene.mesh.stripe.as_str()),
    ];
    let printed = run("node", &["build/purchase.js"], &variables).await;
    let order: Value = serde_json::from_str(&printed).expect("an order");
    assert_eq!(order["total"]["amount"], TWO_PIECES);
    assert_eq!(order["total"]["currency"], "USD");
    assert_eq!(order["orderItems"][0]["productId"], scene.product.as_str());
    let in_first_version = scene.seller.get("/orders/sales").await.ok();
    assert_eq!(in_first_version[0]["price"].to_string(), "99.98");
    assert_invariants(&scene.mesh).await;
}
