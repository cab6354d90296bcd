//! Who may do what: every route of the documentation crossed with every kind of caller, on the whole
//! mesh. A route that is missing here fails the test.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

mod credentials;
mod routes;

use std::collections::BTreeSet;

use reen_tests::{Answer, Client, Mesh, Scene};
use reqwest::Method;
use routes::{ANYBODY, rows};
use serde_json::{Value, json};

/// What a caller meets at a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// Whatever comes of it: they were let in.
    Open,
    /// 401
    SignIn,
    /// 403
    Forbidden,
    /// 404: not there, or not theirs.
    Hidden,
    /// Would change what the rest of the table needs.
    Untried,
}

use Door::{Forbidden, Hidden, Open, SignIn, Untried};

impl Door {
    fn of(answer: &Answer) -> Self {
        match answer.status {
            401 => SignIn,
            403 => Forbidden,
            404 => Hidden,
            _ => Open,
        }
    }
}

/// In the order of the table's columns.
const CALLERS: [&str; 7] = [
    "nobody",
    "a forger",
    "the buyer",
    "another buyer",
    "the seller",
    "another seller",
    "an operator",
];

struct Row {
    method: Method,
    /// As in the documentation.
    path: &'static str,
    /// What stands for `{id}`.
    id: String,
    body: Value,
    doors: [Door; CALLERS.len()],
}

impl Row {
    fn route(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether credentials are not looked at.
    fn is_public(&self) -> bool {
        self.doors == ANYBODY
    }
}

/// One purchase, and everybody who could be curious about it.
struct World {
    mesh: Mesh,
    callers: [Client; CALLERS.len()],
    product: String,
    cart_item: String,
    checkout: String,
    order: String,
    api_key: String,
}

impl World {
    async fn start() -> Self {
        let scene = Scene::with("10.00", 50).await;
        let Scene {
            mesh,
            seller,
            buyer,
            product,
        } = scene;
        let order = buyer.buy(&product, 1).await;
        let item = buyer.add_to_cart(&product, 1).await.ok();
        let checkout = buyer.open_checkout().await.ok();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let till = json!({"name": "Till", "scopes": ["orders:read"]});
        let api_key = buyer.post("/auth/api-keys", till).await.ok();
        let forger = mesh.client().with_token(FORGED);
        let (stranger, other_seller) = (mesh.buyer().await, mesh.seller().await);
        let (nobody, operator) = (mesh.client(), mesh.operator().await);
        Self {
            callers: [
                nobody,
                forger,
                buyer,
                stranger,
                seller,
                other_seller,
                operator,
            ],
            mesh,
            product,
            cart_item: text(&item["id"]),
            checkout: text(&checkout["checkoutId"]),
            order: text(&order["id"]),
            api_key: text(&api_key["id"]),
        }
    }

    async fn knock(&self, row: &Row, caller: &Client) -> Door {
        Door::of(&self.ask(row, caller).await)
    }

    async fn ask(&self, row: &Row, caller: &Client) -> Answer {
        let path = row.path.replace("{id}", &row.id);
        let path = path.strip_prefix("/api/v1").unwrap();
        let body = Some(row.body.clone()).filter(|body| !body.is_null());
        caller.send(row.method.clone(), path, body).await
    }

    /// The routes of the interface: not those that look after our health, and not the keys, which are
    /// published for everybody.
    async fn routes(&self) -> BTreeSet<String> {
        let url = format!("{}/api-gateway/documentation-json", self.mesh.gateway);
        let document: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        let paths = document["paths"].as_object().unwrap();
        let routes = paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        routes.filter(|route| route.contains(" /api/")).collect()
    }
}

/// Well-formed, with a key that nobody has.
const FORGED: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6Im5vYm9keSJ9.eyJzdWIiOiI2NmYwYzBmZmVlMDAwMDAwMDAwMDAwMmEiLCJleHAiOjQxMDI0NDQ4MDB9.AAAA";

#[tokio::test(flavor = "multi_thread")]
async fn every_route_opens_to_those_whom_it_is_for() {
    let world = World::start().await;
    let rows = rows(&world);
    let known: BTreeSet<String> = rows.iter().map(Row::route).collect();
    assert_eq!(known, world.routes().await, "every route, and no other");
    let mut wrong = Vec::new();
    for row in &rows {
        let mut knocks: Vec<_> = row.doors.iter().zip(&world.callers).zip(CALLERS).collect();
        // Those who are let in may change what the others must not see.
        knocks.sort_by_key(|((door, _), _)| **door == Open);
        for ((expected, caller), name) in knocks {
            if *expected == Untried {
                continue;
            }
            let door = world.knock(row, caller).await;
            if door != *expected {
                let (method, path) = (&row.method, row.path);
                wrong.push(format!(
                    "{method} {path}: {name} met {door:?}, not {expected:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
