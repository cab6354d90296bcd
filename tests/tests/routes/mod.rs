//! The table: every route of the documentation, and what each kind of caller meets there.

use reqwest::Method;
use serde_json::{Value, json};

use crate::Door::{self, Forbidden, Hidden, Open, SignIn, Untried};
use crate::{Row, World, credentials};

/// Credentials are not looked at.
pub(crate) const ANYBODY: [Door; 7] = [Open; 7];
/// Who presents credentials must present good ones.
const VISITORS: [Door; 7] = [Open, SignIn, Open, Open, Open, Open, Open];
pub(crate) const SIGNED_IN: [Door; 7] = [SignIn, SignIn, Open, Open, Open, Open, Open];
pub(crate) const BUYER_ALONE: [Door; 7] = [SignIn, SignIn, Open, Hidden, Hidden, Hidden, Hidden];
const OPERATORS: [Door; 7] = [
    SignIn, SignIn, Forbidden, Forbidden, Forbidden, Forbidden, Open,
];
const UNTRIED: [Door; 7] = [SignIn, SignIn, Untried, Untried, Untried, Untried, Untried];

pub(crate) fn rows(world: &World) -> Vec<Row> {
    let mut rows = public_routes(world);
    rows.extend(routes_of_accounts(world));
    rows.extend(routes_of_buyers(world));
    rows.extend(routes_of_sellers(world));
    rows.extend(routes_of_operators());
    rows.extend(credentials::rows(world));
    rows
}

pub(crate) fn row(
    method: Method,
    path: &'static str,
    id: &str,
    body: Value,
    doors: [Door; 7],
) -> Row {
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
            post.clone(),
            "/api/v1/auth/password-reset",
            "",
            json!({}),
            ANYBODY,
        ),
        row(
            post.clone(),
            "/api/v1/auth/password-reset/confirm",
            "",
            json!({}),
            ANYBODY,
        ),
        row(
            post.clone(),
            "/api/v1/auth/email-verification/confirm",
            "",
            json!({}),
            ANYBODY,
        ),
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
            "/api/v1/auth/email-verification",
            "",
            Value::Null,
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
