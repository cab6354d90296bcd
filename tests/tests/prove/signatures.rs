//! Stripe's and Svix's own libraries sign what the gateway verifies, verify what the stand-ins sign, and
//! find themselves at home at Stripe's stand-in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::http::HeaderMap;
use reen_sims::clerk::{Event, User, Webhooks};
use reen_sims::stripe::{Config, StripeSim};
use reen_testkit::eventually;
use reen_tests::{CLERK_SECRET, Mesh, WEBHOOK_SECRET, ask_python};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const SCRIPT: &str = "webhooks.py";
/// Nothing that we act upon, in letters of more than one byte.
const STRIPE_BODY: &str =
    r#"{"id":"evt_1","object":"event","type":"customer.created","data":{"object":{"name":"Zoë"}}}"#;
const SVIX_BODY: &str =
    r#"{"data":{"id":"sess_1","name":"Zoë"},"object":"event","type":"session.created"}"#;

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

async fn ask(questions: &[Value]) -> Vec<Value> {
    let answers = ask_python(SCRIPT, &json!(questions)).await;
    answers.as_array().unwrap().clone()
}

/// Delivers a webhook to a mesh and answers the status.
async fn deliver(mesh: &Mesh, party: &str, headers: &Value, body: &str) -> u16 {
    let url = format!("{}/api/v1/webhooks/{party}", mesh.gateway);
    let mut request = reqwest::Client::new()
        .post(url)
        .header("content-type", "application/json")
        .body(body.to_owned());
    for (name, value) in headers.as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_takes_what_stripes_library_signs_and_nothing_else() {
    let mesh = Mesh::start().await;
    let sign = |secret: &str, age: i64| {
        json!({
            "party": "stripe", "do": "sign", "secret": secret, "time": now() - age, "body": STRIPE_BODY,
        })
    };
    let questions = [
        sign(WEBHOOK_SECRET, 0),
        sign(WEBHOOK_SECRET, 290),
        sign(WEBHOOK_SECRET, 310),
        sign(WEBHOOK_SECRET, -310),
        sign("whsec_another", 0),
    ];
    let signed = ask(&questions).await;
    let mut statuses = Vec::new();
    for headers in &signed {
        statuses.push(deliver(&mesh, "stripe", headers, STRIPE_BODY).await);
    }
    assert_eq!(statuses, [200, 200, 400, 400, 400]);
    let changed = STRIPE_BODY.replace("Zoë", "Zoe");
    assert_eq!(deliver(&mesh, "stripe", &signed[0], &changed).await, 400);
    // While secrets are exchanged Stripe signs with both.
    let [new, old] =
        [&signed[0], &signed[4]].map(|each| each["stripe-signature"].as_str().unwrap());
    let (_, old) = old.split_once(',').unwrap();
    let both = json!({"stripe-signature": format!("{new},{old}")});
    assert_eq!(deliver(&mesh, "stripe", &both, STRIPE_BODY).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_takes_what_svixs_library_signs_and_nothing_else() {
    let mesh = Mesh::start().await;
    let other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let sign = |secret: &str, age: i64| {
        json!({
            "party": "svix", "do": "sign", "secret": secret, "id": "msg_2xK", "time": now() - age, "body": SVIX_BODY,
        })
    };
    let questions = [
        sign(CLERK_SECRET, 0),
        sign(CLERK_SECRET, 290),
        sign(CLERK_SECRET, 310),
        sign(CLERK_SECRET, -310),
        sign(other, 0),
    ];
    let signed = ask(&questions).await;
    let mut statuses = Vec::new();
    for headers in &signed {
        statuses.push(deliver(&mesh, "clerk", headers, SVIX_BODY).await);
    }
    assert_eq!(statuses, [200, 200, 400, 400, 400]);
    let changed = SVIX_BODY.replace("Zoë", "Zoe");
    assert_eq!(deliver(&mesh, "clerk", &signed[0], &changed).await, 400);
    let mut renamed = signed[0].clone();
    renamed["svix-id"] = json!("msg_3yL");
    assert_eq!(deliver(&mesh, "clerk", &renamed, SVIX_BODY).await, 400);
    let mut both = signed[0].clone();
    let signatures = [&signed[4], &signed[0]].map(|each| each["svix-signature"].as_str().unwrap());
    both["svix-signature"] = json!(signatures.join(" "));
    assert_eq!(deliver(&mesh, "clerk", &both, SVIX_BODY).await, 200);
}

/// A webhook as it arrived.
#[derive(Clone)]
struct Arrival {
    headers: BTreeMap<String, String>,
    body: String,
}

/// Keeps what is sent to it, until the test ends.
struct Receiver {
    url: String,
    arrived: Arc<Mutex<Vec<Arrival>>>,
}

impl Receiver {
    async fn start() -> Self {
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&arrived);
        let keep = async move |headers: HeaderMap, body: String| {
            let headers = headers.iter().map(|(name, value)| {
                let value = value.to_str().unwrap_or_default();
                (name.to_string(), value.to_owned())
            });
            let headers = headers.collect();
            kept.lock().unwrap().push(Arrival { headers, body });
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks", listener.local_addr().unwrap());
        let app = Router::new().fallback(keep);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, arrived }
    }

    async fn first(&self) -> Arrival {
        eventually("a webhook", async || {
            self.arrived.lock().unwrap().first().cloned()
        })
        .await
    }
}

/// What a party's library says of a webhook: as it came, changed, and against another secret.
async fn verdicts(party: &str, arrival: &Arrival, secret: &str, other: &str) -> Vec<Value> {
    let verify = |secret: &str, body: &str| {
        json!({
            "party": party, "do": "verify", "secret": secret, "headers": arrival.headers, "body": body,
        })
    };
    let changed = format!("{} ", arrival.body);
    ask(&[
        verify(secret, &arrival.body),
        verify(secret, &changed),
        verify(other, &arrival.body),
    ])
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn stripes_library_takes_what_the_stand_in_signs_and_nothing_else() {
    let receiver = Receiver::start().await;
    let (sim, _running) = stripe(&receiver.url).await;
    ask_python(
        "stripe_client.py",
        &json!({"base": sim, "key": "sk_test_signed"}),
    )
    .await;
    let arrival = receiver.first().await;
    let said = verdicts("stripe", &arrival, WEBHOOK_SECRET, "whsec_another").await;
    assert_eq!(said, [true, false, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn svixs_library_takes_what_the_stand_in_signs_and_nothing_else() {
    let receiver = Receiver::start().await;
    let webhooks = Webhooks::new(CLERK_SECRET, &receiver.url).unwrap();
    let zoe = User::new("Zoë", "Quillfeather", "zoe@reen.example");
    webhooks.deliver(&Event::created(&zoe)).await.unwrap();
    let arrival = receiver.first().await;
    let other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let said = verdicts("svix", &arrival, CLERK_SECRET, other).await;
    assert_eq!(said, [true, false, false]);
}

#[tokio::test(flavor = "multi_thread")]
async fn stripes_own_client_finds_stripe_at_the_stand_in() {
    let receiver = Receiver::start().await;
    let (sim, _running) = stripe(&receiver.url).await;
    let sold = ask_python(
        "stripe_client.py",
        &json!({"base": sim, "key": "sk_test_sold"}),
    )
    .await;
    let expected = json!({
        "same_session": true,
        "paid": ["complete", "paid", 2_500],
        "metadata": {"checkout_id": "66f0c0ffee66f0c0ffee66f0"},
        "refund": ["succeeded", 1_000],
        "too_much": ["InvalidRequestError", 400],
        "expired": "expired",
        "nobody": ["InvalidRequestError", 404],
        "stranger": ["AuthenticationError", 401],
    });
    assert_eq!(sold, expected);
}

/// A stand-in that tells a receiver; it stops when the guard is dropped.
async fn stripe(receiver: &str) -> (String, tokio_util::sync::DropGuard) {
    let sim = StripeSim::build(Config::in_process(WEBHOOK_SECRET)).await;
    let sim = sim.unwrap();
    sim.handle().set_webhook_url(receiver).unwrap();
    let (url, stop) = (sim.base_url(), CancellationToken::new());
    tokio::spawn(sim.run(stop.clone()));
    (url, stop.drop_guard())
}
