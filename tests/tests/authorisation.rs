//! Who may do what: every route of the documentation crossed with every kind of caller, on the whole
//! mesh. A route that is missing here fails the test.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

use std::collections::BTreeSet;

use reen_tests::{Answer, Client, Mesh, Scene};
use reqwest::Method;
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

/// One purchase, and everybody who could be curious about it.
struct World {
    mesh: Mesh,
    callers: [Client; CALLERS.len()],
    product: String,
    cart_item: String,
    checkout: String,
    order: String,
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
        }
    }

    async fn knock(&self, row: &Row, caller: &Client) -> Door {
        let path = row.path.replace("{id}", &row.id);
        let path = path.strip_prefix("/api/v1").unwrap();
        let body = Some(row.body.clone()).filter(|body| !body.is_null());
        Door::of(&caller.send(row.method.clone(), path, body).await)
    }

    /// The routes of the documentation but those that look after our health.
    async fn routes(&self) -> BTreeSet<String> {
        let url = format!("{}/api-gateway/documentation-json", self.mesh.gateway);
        let document: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
        let paths = document["paths"].as_object().unwrap();
        let routes = paths.iter().flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        routes
            .filter(|route| !route.contains(" /health/"))
            .collect()
    }
}

/// Well-formed, with a key that nobody has.
const FORGED: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6Im5vYm9keSJ9.eyJzdWIiOiI2NmYwYzBmZmVlMDAwMDAwMDAwMDAwMmEiLCJleHAiOjQxMDI0NDQ4MDB9.AAAA";

/// Credentials are not looked at.
const ANYBODY: [Door; 7] = [Open; 7];
/// Who presents credentials must present good ones.
const VISITORS: [Door; 7] = [Open, SignIn, Open, Open, Open, Open, Open];
const SIGNED_IN: [Door; 7] = [SignIn, SignIn, Open, Open, Open, Open, Open];
const BUYER_ALONE: [Door; 7] = [SignIn, SignIn, Open, Hidden, Hidden, Hidden, Hidden];
const OPERATORS: [Door; 7] = [
    SignIn, SignIn, Forbidden, Forbidden, Forbidden, Forbidden, Open,
];
const UNTRIED: [Door; 7] = [SignIn, SignIn, Untried, Untried, Untried, Untried, Untried];

fn rows(world: &World) -> Vec<Row> {
    let mut rows = public_routes(world);
    rows.extend(routes_of_accounts(world));
    rows.extend(routes_of_buyers(world));
    rows.extend(routes_of_sellers(world));
    rows.extend(routes_of_operators());
    rows
}

fn row(method: Method, path: &'static str, id: &str, body: Value, doors: [Door; 7]) -> Row {
    Row {
        method,
        path,
        id: id.to_owned(),
        body,
        doors,
    }
}

fn public_routes(world: &World) -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    let refresh = "/api/v1/auth/refresh-token";
    vec![
        row(post.clone(), "/api/v1/auth/sign-up", "", json!({}), ANYBODY),
        row(
            get.clone(),
            "/api/v1/auth/find-all",
            "",
            Value::Null,
            ANYBODY,
        ),
        row(get.clone(), "/api/v1/products", "", Value::Null, ANYBODY),
        row(
            get,
            "/api/v1/products/{id}",
            &world.product,
            Value::Null,
            ANYBODY,
        ),
        row(
            post.clone(),
            "/api/v1/webhooks/stripe",
            "",
            json!({}),
            ANYBODY,
        ),
        row(
            post.clone(),
            "/api/v1/webhooks/clerk",
            "",
            json!({}),
            ANYBODY,
        ),
        row(post.clone(), "/api/v1/auth/sign-in", "", json!({}), ANYBODY),
        row(
            post,
            refresh,
            "",
            Value::Null,
            [SignIn, SignIn, Open, Open, Open, Open, Open],
        ),
    ]
}

fn routes_of_accounts(world: &World) -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    let me = "/api/v1/auth/users/me";
    let role = "/api/v1/auth/update-user-role";
    vec![
        row(
            get.clone(),
            "/api/v1/auth/users/{id}",
            &world.callers[2].user_id,
            Value::Null,
            VISITORS,
        ),
        row(get, me, "", Value::Null, SIGNED_IN),
        row(
            Method::PATCH,
            me,
            "",
            json!({"name": "Somebody"}),
            SIGNED_IN,
        ),
        row(
            post.clone(),
            "/api/v1/auth/change-password",
            "",
            json!({}),
            SIGNED_IN,
        ),
        row(Method::DELETE, me, "", Value::Null, UNTRIED),
        row(post.clone(), role, "", json!({"role": "NOBODY"}), SIGNED_IN),
        row(
            post.clone(),
            "/api/v1/auth/sign-out-all",
            "",
            Value::Null,
            SIGNED_IN,
        ),
        row(post, "/api/v1/auth/sign-out", "", Value::Null, ANYBODY),
    ]
}

fn routes_of_sellers(world: &World) -> Vec<Row> {
    let (get, post, patch) = (Method::GET, Method::POST, Method::PATCH);
    let product = "/api/v1/products/{id}";
    let lamp = json!({
        "name": "Lamp", "description": "Brass.", "price": 10, "quantity": 1,
        "imageUrls": ["https://img.example/lamp.png"],
    });
    let sellers = [SignIn, SignIn, Forbidden, Forbidden, Open, Open, Forbidden];
    let owner = [SignIn, SignIn, Hidden, Hidden, Open, Hidden, Hidden];
    let change = json!({"name": "Lamp"});
    let changes = json!([{"id": world.product, "name": "Lamp"}]);
    let (order, status) = (&world.order, "/api/v1/orders/{id}/status");
    vec![
        row(post, "/api/v1/products", "", lamp, sellers),
        row(patch.clone(), product, &world.product, change, owner),
        row(patch.clone(), "/api/v1/products", "", changes, SIGNED_IN),
        row(
            Method::DELETE,
            "/api/v1/products",
            "",
            json!({"ids": []}),
            SIGNED_IN,
        ),
        row(get, "/api/v1/orders/sales", "", Value::Null, SIGNED_IN),
        row(patch, status, order, json!({"status": "shipped"}), owner),
        row(Method::DELETE, product, &world.product, Value::Null, owner),
    ]
}

fn routes_of_buyers(world: &World) -> Vec<Row> {
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    let (items, item) = ("/api/v1/cart-items", "/api/v1/cart-items/{id}");
    let (order, refunds) = ("/api/v1/orders/{id}", "/api/v1/orders/{id}/refunds");
    let (checkout, cancel) = ("/api/v1/checkout/{id}", "/api/v1/checkout/{id}/cancel");
    let nothing = || Value::Null;
    let refunders = [SignIn, SignIn, Hidden, Hidden, Open, Hidden, Open];
    let one = json!({"quantity": 1});
    let add = json!({"productId": world.product, "quantity": 1});
    vec![
        row(get.clone(), items, "", nothing(), SIGNED_IN),
        row(post.clone(), items, "", add, SIGNED_IN),
        row(get.clone(), item, &world.cart_item, nothing(), BUYER_ALONE),
        row(Method::PATCH, item, &world.cart_item, one, BUYER_ALONE),
        row(
            delete.clone(),
            item,
            &world.cart_item,
            nothing(),
            BUYER_ALONE,
        ),
        row(post.clone(), "/api/v1/checkout", "", nothing(), SIGNED_IN),
        row(
            get.clone(),
            checkout,
            &world.checkout,
            nothing(),
            BUYER_ALONE,
        ),
        row(
            post.clone(),
            cancel,
            &world.checkout,
            nothing(),
            BUYER_ALONE,
        ),
        row(delete, items, "", nothing(), SIGNED_IN),
        row(get.clone(), "/api/v1/orders", "", nothing(), SIGNED_IN),
        row(get, order, &world.order, nothing(), BUYER_ALONE),
        row(post, refunds, &world.order, json!({}), refunders),
    ]
}

fn routes_of_operators() -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    let saga = "order-completed:66f0c0ffee0000000000002a";
    let admin = |method: &Method, path, body| row(method.clone(), path, saga, body, OPERATORS);
    let of_nothing = [
        SignIn, SignIn, Forbidden, Forbidden, Forbidden, Forbidden, Hidden,
    ];
    let about = |method: &Method, path, body| row(method.clone(), path, saga, body, of_nothing);
    let nothing = || Value::Null;
    let letters = json!({"ids": [], "all": false});
    vec![
        admin(&get, "/api/v1/admin/sagas", nothing()),
        about(&get, "/api/v1/admin/sagas/{id}", nothing()),
        about(&post, "/api/v1/admin/sagas/{id}/retry", nothing()),
        about(
            &post,
            "/api/v1/admin/sagas/{id}/compensate",
            json!({"reason": "gone"}),
        ),
        admin(&get, "/api/v1/admin/dead-letters", nothing()),
        admin(&post, "/api/v1/admin/dead-letters/replay", letters.clone()),
        admin(&post, "/api/v1/admin/dead-letters/drop", letters),
        admin(&get, "/api/v1/admin/alerts", nothing()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_opens_to_those_whom_it_is_for() {
    let world = World::start().await;
    let rows = rows(&world);
    let known: BTreeSet<String> = rows
        .iter()
        .map(|row| format!("{} {}", row.method, row.path))
        .collect();
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
