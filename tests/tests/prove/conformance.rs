//! schemathesis asks every operation of the documentation what a machine thinks of: the examples, the edges
//! of every schema, values of chance, and one answer's ids in the next question. No answer is a 5xx, and
//! each is what the document says.
//!
//! The same seed is used every time, so that a change is told by what it changed; `REEN_SEED` sets
//! another, and `REEN_EXAMPLES` how long it searches.

use reen_tests::{Client, Mesh, Scene, prove_file, python_program};
use serde_json::Value;
use tokio::process::Command;

const FIRST: &str = "/api-gateway/documentation-json";
const SECOND: &str = "/api-gateway/documentation-json/v2";
/// What ends an account or its session, with which the other operations go on.
const LEAVING: &str = "/auth/(users/me|sign-out-all|change-password|update-user-role)$";
/// Ids of what is there, as `schemathesis.toml` names them.
const KNOWN: [&str; 6] = [
    "REEN_PRODUCT",
    "REEN_CART_ITEM",
    "REEN_CHECKOUT",
    "REEN_ORDER",
    "REEN_USER",
    "REEN_SAGA",
];

/// A mesh with something of everything.
struct World {
    mesh: Mesh,
    seller: Client,
    buyer: Client,
    /// In the order of [`KNOWN`].
    ids: [String; KNOWN.len()],
}

impl World {
    async fn start() -> Self {
        let Scene {
            mesh,
            seller,
            buyer,
            product,
        } = Scene::with("10.00", 5_000).await;
        let checkout = buyer.check_out(&product, 1).await;
        let order = buyer.complete(&checkout).await;
        let item = buyer.add_to_cart(&product, 1).await.ok();
        let open = buyer.open_checkout().await.ok();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let saga = format!("order-completed:{}", text(&checkout["checkoutId"]));
        Self {
            ids: [
                product,
                text(&item["id"]),
                text(&open["checkoutId"]),
                text(&order["id"]),
                seller.user_id.clone(),
                saga,
            ],
            mesh,
            seller,
            buyer,
        }
    }

    /// Asks the operations of a document as one caller; `only` picks them.
    async fn ask(&self, who: &str, caller: &Client, document: &str, only: [&str; 2]) {
        // It keeps what it learns in the folder where it is started.
        let folder = tempfile::tempdir().unwrap();
        let mut schemathesis = Command::new(python_program("schemathesis"));
        schemathesis
            .arg("--config-file")
            .arg(prove_file("schemathesis.toml"))
            .arg("run")
            .arg(format!("{}{document}", self.mesh.gateway))
            .args(only)
            .args(["--no-color", "--seed", &setting("REEN_SEED", "1")])
            .args(["--max-examples", &setting("REEN_EXAMPLES", "10")])
            .env("REEN_GATEWAY", &self.mesh.gateway)
            .env("REEN_TOKEN", caller.token().unwrap())
            .envs(KNOWN.into_iter().zip(&self.ids))
            .current_dir(&folder);
        let output = schemathesis.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let trouble = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{who}, {document}:\n{said}{trouble}"
        );
        let cases = said.lines().find(|line| line.contains(" generated, "));
        println!("{who}, {document}: {}", cases.unwrap_or_default().trim());
    }
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// Asks the operations of a document as everybody who may, and then those that end an account.
async fn ask_everything(document: &str) {
    let world = World::start().await;
    let operator = world.mesh.operator().await;
    let staying = ["--exclude-path-regex", LEAVING];
    for (who, caller) in [
        ("the buyer", &world.buyer),
        ("an operator", &operator),
        ("the seller", &world.seller),
    ] {
        world.ask(who, caller, document, staying).await;
    }
    let leaver = world.mesh.buyer().await;
    let leaving = ["--include-path-regex", LEAVING];
    world.ask("who leaves", &leaver, document, leaving).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_first_version_is_what_its_document_says() {
    ask_everything(FIRST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_second_version_is_what_its_document_says() {
    ask_everything(SECOND).await;
}
