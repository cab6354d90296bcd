//! One trace shows what a request caused, through every process: what is exported while somebody signs up and
//! buys, as a collector of traces sees it.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

use reen_chassis::telemetry::trace::{self, Share, TraceSettings};
use reen_sims::collector::{Collector, Span, Trace, Traces};
use reen_testkit::eventually;
use reen_tests::{Client, PASSWORD, Scene};
use tokio_util::sync::CancellationToken;

const STRANGER: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// From now on everything that this process does is exported; the collector lives as long as the test does.
async fn collect() -> Traces {
    let collector = Collector::bind("127.0.0.1:0".parse().unwrap()).await;
    let collector = collector.unwrap();
    let settings = TraceSettings {
        endpoint: collector.endpoint().parse().unwrap(),
        sampled: Share::ALL,
    };
    let traces = collector.traces();
    tokio::spawn(collector.run(CancellationToken::new()));
    trace::export(&settings, "mesh").unwrap();
    traces
}

/// The trace that begins with `root` and has so many of each of these parts by now.
async fn trace_of(traces: &Traces, root: &str, parts: &[(&str, usize)]) -> Trace {
    let has = |trace: &Trace, (name, count): &(&str, usize)| {
        let named = trace.spans().iter().filter(|span| span.name == *name);
        named.count() >= *count
    };
    // What is a part of something comes before it: until then it hangs in the air.
    let is_whole = |trace: &Trace| match trace.roots()[..] {
        [only] => only.name == root && parts.iter().all(|part| has(trace, part)),
        _ => false,
    };
    let what = format!("one tree of {root}");
    let trace = eventually(&what, async || traces.all().into_iter().find(is_whole)).await;
    println!("{trace}");
    trace
}

/// The span of this name which is a part, at whatever depth, of one of that name.
fn within<'trace>(trace: &'trace Trace, above: &str, name: &str) -> &'trace Span {
    let mut named = trace.spans().iter().filter(|span| span.name == name);
    let found = named.find(|span| trace.path_to(span).contains(&above));
    found.unwrap_or_else(|| panic!("no {name} within {above}:\n{trace}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_one_tree_from_the_click_to_the_letters() {
    let traces = collect().await;
    let scene = Scene::with("99.99", 10).await;
    scene.buyer.buy(&scene.product, 1).await;

    the_checkout(&traces).await;
    the_payment(&traces).await;
    the_sign_up(&traces).await;
    a_stranger_is_linked_to_and_not_obeyed(&traces, &scene).await;
    nothing_about_people(&traces, &[&scene.buyer, &scene.seller]);
}

/// From the request to MongoDB and to Stripe.
async fn the_checkout(traces: &Traces) {
    let stripe = "stripe: checkout session";
    let trace = trace_of(traces, "POST /api/v1/checkout", &[(stripe, 1)]).await;
    let opening = "reen.checkout.v1.Checkout/OpenCheckout";
    within(&trace, opening, stripe);
    let reserving = "reen.products.v1.Products/ReserveStock";
    within(&trace, opening, reserving);
    let insert = within(&trace, reserving, "insert holds");
    assert_eq!(insert.attributes["db.system.name"], "mongodb");
    assert_eq!(insert.attributes["db.collection.name"], "holds");
    let request = trace.roots()[0];
    assert_eq!(request.kind, "Server");
    assert_eq!(request.attributes["http.response.status_code"], "201");
}

/// From the webhook through RabbitMQ and the saga to the order and the letters.
async fn the_payment(traces: &Traces) {
    let letter = "post: send letter";
    let trace = trace_of(traces, "POST /api/v1/webhooks/stripe", &[(letter, 2)]).await;
    within(&trace, "send reen.events", "process reen.events");
    for step in ["record-payment", "commit-hold", "post-sale", "create-order"] {
        let step = format!("act order-completed/{step}");
        let acted = within(&trace, "process reen.events", &step);
        assert_eq!(acted.attributes["reen.saga.kind"], "order-completed");
        assert!(!acted.failed);
    }
    let creating = "reen.orders.v1.Orders/CreateOrder";
    within(&trace, "act order-completed/create-order", creating);
    within(&trace, creating, "commitTransaction");
    within(&trace, "act order-completed/tell-everybody", letter);
}

/// What is to be written about it waits in an outbox, and its trace with it.
async fn the_sign_up(traces: &Traces) {
    let letter = "post: send letter";
    let trace = trace_of(traces, "POST /api/v1/auth/sign-up", &[(letter, 1)]).await;
    within(&trace, "process reen.events", letter);
}

async fn a_stranger_is_linked_to_and_not_obeyed(traces: &Traces, scene: &Scene) {
    let url = format!("{}/api/v1/products/{}", scene.mesh.gateway, scene.product);
    let asking = reqwest::Client::new().get(url);
    let place = format!("00-{STRANGER}-00f067aa0ba902b7-01");
    let answer = asking.header("traceparent", place).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let linked = eventually("the trace of the stranger's request", async || {
        let all = traces.all().into_iter().flat_map(|it| it.spans().to_vec());
        let mut linked = all.filter(|span| span.links.contains(&STRANGER.to_owned()));
        linked.next()
    })
    .await;
    assert_eq!(linked.name, "GET /api/v1/products/{id}");
    assert_eq!(linked.parent, None);
    assert_ne!(linked.trace_id, STRANGER);
}

/// No attribute of any span holds what is somebody's own, or a secret.
fn nothing_about_people(traces: &Traces, people: &[&Client]) {
    let all = traces.all();
    let spans = all.iter().flat_map(Trace::spans);
    let told: Vec<&String> = spans
        .flat_map(|span| span.attributes.values().chain([&span.name]))
        .collect();
    let private = people.iter().map(|person| person.email.as_str());
    for private in private.chain([PASSWORD, "Bea Buyer", "eyJ", "sk_test_", "whsec_"]) {
        let leak = told.iter().find(|told| told.contains(private));
        assert!(leak.is_none(), "{private} in {leak:?}");
    }
}
