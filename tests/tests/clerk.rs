//! Users who come from Clerk: made, changed and forgotten as its webhooks tell.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bson::{Document, doc};
use futures::TryStreamExt as _;
use reen_sims::clerk::{ClerkSim, Config, Event, User, Webhooks};
use reen_testkit::eventually;
use reen_tests::{CLERK_SECRET, Mesh, Scene, assert_invariants, cents};
use ring::hmac;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const CLERK_ID: &str = "user_2a9Xk3";
const NAME: &str = "Quillfeather";
const EMAIL: &str = "quillfeather@reen.example";

fn user(name: &str, updated_at: i64) -> Value {
    json!({
        "id": CLERK_ID,
        "first_name": name,
        "email_addresses": [{"id": "idn_1", "email_address": EMAIL}],
        "primary_email_address_id": "idn_1",
        "updated_at": updated_at,
    })
}

/// Sends an event as Clerk does, signed by Svix; answers the status.
async fn send(mesh: &Mesh, id: &str, kind: &str, data: &Value) -> u16 {
    let body = json!({"object": "event", "type": kind, "data": data}).to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let time = now.as_secs().to_string();
    let secret = CLERK_SECRET.strip_prefix("whsec_").unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(secret).unwrap());
    let signature = hmac::sign(&key, format!("{id}.{time}.{body}").as_bytes());
    let request = reqwest::Client::new()
        .post(format!("{}/api/v1/webhooks/clerk", mesh.gateway))
        .header("content-type", "application/json")
        .header("svix-id", id)
        .header("svix-timestamp", time)
        .header(
            "svix-signature",
            format!("v1,{}", STANDARD.encode(signature)),
        )
        .body(body);
    request.send().await.unwrap().status().as_u16()
}

async fn is_named(mesh: &Mesh, name: &str) {
    let client = mesh.client();
    eventually(&format!("the user to be {name}"), async || {
        let answer = client.get(&format!("/auth/users/{CLERK_ID}")).await;
        (answer.status == 200 && answer.body["name"] == name).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_user_comes_changes_and_leaves_for_good() {
    let mesh = Mesh::start().await;
    for _ in 0..3 {
        assert_eq!(
            send(&mesh, "msg_1", "user.created", &user(NAME, 1_000)).await,
            200
        );
    }
    is_named(&mesh, NAME).await;
    send(&mesh, "msg_3", "user.updated", &user("Newest", 3_000)).await;
    is_named(&mesh, "Newest").await;
    // An older one that comes late changes nothing: what follows it shows that it is through.
    send(&mesh, "msg_2", "user.updated", &user("Older", 2_000)).await;
    send(&mesh, "msg_4", "user.updated", &user("Last", 4_000)).await;
    is_named(&mesh, "Last").await;

    send(
        &mesh,
        "msg_5",
        "user.deleted",
        &json!({"id": CLERK_ID, "deleted": true}),
    )
    .await;
    let client = mesh.client();
    eventually("the user to be gone", async || {
        let answer = client.get(&format!("/auth/users/{CLERK_ID}")).await;
        (answer.status == 404).then_some(())
    })
    .await;
    // Deleted is deleted, whatever comes late.
    send(&mesh, "msg_6", "user.updated", &user(NAME, 9_000)).await;
    assert_invariants(&mesh).await;
    assert_eq!(
        client.get(&format!("/auth/users/{CLERK_ID}")).await.status,
        404
    );
    nothing_is_left(&mesh, &[NAME, EMAIL, "Newest", "Last"]).await;
}

/// No document of any database says who it was.
async fn nothing_is_left(mesh: &Mesh, personal: &[&str]) {
    for name in [
        "AUTH",
        "PRODUCTS",
        "CART_ITEMS",
        "CHECKOUT",
        "ORDERS",
        "EVENTS",
    ] {
        let database = mesh.database(name).await;
        for collection in database.driver().list_collection_names().await.unwrap() {
            let documents = database.collection::<Document>(&collection);
            let found = documents.find(doc! {}).await.unwrap();
            let found: Vec<Document> = found.try_collect().await.unwrap();
            let text = format!("{found:?}");
            for word in personal {
                assert!(!text.contains(word), "{name}.{collection} knows {word}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_clerk_did_not_sign_is_refused() {
    let mesh = Mesh::start().await;
    let forged = mesh
        .client()
        .post("/webhooks/clerk", json!({"type": "user.created"}))
        .await;
    assert_eq!((forged.status, forged.code()), (400, "bad_signature"));
    let unused = send(&mesh, "msg_1", "session.created", &json!({"id": "sess_1"})).await;
    assert_eq!(unused, 200, "of no use here, and not to be sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_in_at_clerk_buys_here_and_is_out_when_clerk_says_so() {
    let sim = ClerkSim::build(Config::in_process("sk_test_end_to_end"));
    let sim = sim.await.unwrap();
    let (issuer, api) = (sim.base_url(), sim.api_base());
    let clerk = sim.handle();
    let stop = CancellationToken::new();
    tokio::spawn(sim.run(stop.clone()));
    let _running = stop.drop_guard();
    let settings = [
        ("CLERK_SECRET_KEY", "sk_test_end_to_end"),
        ("CLERK_API_BASE", api.as_str()),
        ("CLERK_ISSUER", issuer.as_str()),
    ];
    let mesh = Mesh::start_with(&settings).await;
    let scene = Scene::on(mesh, "25.00", 5).await;
    let ada = User::new("Ada", "Lovelace", EMAIL);
    clerk.keep(&ada);

    let token = clerk.token(&ada.id, None).unwrap();
    let buyer = scene.mesh.client().with_token(&token);
    let order = buyer.buy(&scene.product, 2).await;
    assert_eq!(cents(&order["total"]), 5_000);
    let me = buyer.me().await;
    assert_eq!(
        (&me["clerkId"], &me["email"]),
        (&json!(ada.id), &json!(EMAIL))
    );
    assert_eq!(order["userId"], me["id"]);
    let later = clerk.token(&ada.id, None).unwrap();
    let again = scene.mesh.client().with_token(&later);
    assert_eq!(again.me().await["id"], me["id"], "the same account");

    let receiver = format!("{}/api/v1/webhooks/clerk", scene.mesh.gateway);
    let webhooks = Webhooks::new(CLERK_SECRET, &receiver).unwrap();
    assert!(clerk.forget(&ada.id));
    webhooks.deliver(&Event::deleted(&ada)).await.unwrap();
    eventually("the user to be out", async || {
        (buyer.get("/auth/users/me").await.status == 401).then_some(())
    })
    .await;
    let new = clerk.token(&ada.id, None).unwrap();
    let back = scene.mesh.client().with_token(&new);
    assert_eq!(back.get("/orders").await.status, 401, "deleted is deleted");
    assert_invariants(&scene.mesh).await;
}
