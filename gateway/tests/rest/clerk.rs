//! Events of Clerk: stored before they are answered, or not answered with 200.

use reen_messaging::Delivery;
use reen_proto::events::v1::WebhookReceived;
use reen_sims::clerk::{Event, User, Webhooks};
use serde_json::json;

use crate::support::{CLERK_SECRET, Gateway, send};

const PATH: &str = "/webhooks/clerk";

/// Clerk, signing with this secret.
fn clerk(gateway: &Gateway, secret: &str) -> Webhooks {
    Webhooks::new(secret, &format!("{}/api/v1{PATH}", gateway.base)).unwrap()
}

fn ada() -> User {
    User::new("Ada", "Lovelace", "ada@reen.example")
}

fn with_body(body: impl Into<String>) -> Event {
    Event {
        body: body.into(),
        ..Event::created(&ada())
    }
}

async fn status(gateway: &Gateway, event: &Event) -> u16 {
    let clerk = clerk(gateway, CLERK_SECRET);
    clerk.send(event).await.unwrap().as_u16()
}

#[tokio::test]
async fn an_event_is_in_the_queue_when_it_is_answered() {
    let gateway = Gateway::start().await;
    let event = Event::created(&ada());
    assert_eq!(status(&gateway, &event).await, 200);
    let received = gateway
        .next_message(Delivery::decode::<WebhookReceived>)
        .await;
    assert_eq!(received.provider, "clerk");
    assert_eq!(received.event_id, event.id, "the message's id");
    assert_eq!(received.event_type, "user.created");
    assert_eq!(received.body, event.body.as_bytes(), "byte for byte");
}

#[tokio::test]
async fn what_svix_did_not_sign_is_refused() {
    let gateway = Gateway::start().await;
    let somebody = clerk(&gateway, "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldA==");
    let forged = somebody.send(&Event::deleted(&ada())).await.unwrap();
    assert_eq!(forged.as_u16(), 400);
    let bare = send(gateway.post(PATH).body(Event::deleted(&ada()).body)).await;
    assert_eq!(bare.problem(), (400, "bad_signature".to_owned()));
    let foul = Event {
        id: "msg 1".to_owned(),
        ..Event::deleted(&ada())
    };
    assert_eq!(status(&gateway, &foul).await, 400, "no id of a message");
    assert_eq!(gateway.depth().await, 0);
}

#[tokio::test]
async fn a_signed_body_must_be_an_event_and_not_too_long() {
    let gateway = Gateway::start().await;
    for body in ["", "x", "[]", "{}", r#"{"type":1}"#, r#"{"type":null}"#] {
        assert_eq!(status(&gateway, &with_body(body)).await, 400, "{body}");
    }
    let long = " ".repeat(512 * 1024 + 1);
    assert_eq!(status(&gateway, &with_body(long)).await, 413);
    assert_eq!(gateway.depth().await, 0);
}

#[tokio::test]
async fn types_without_a_use_are_answered_and_forgotten() {
    let gateway = Gateway::start().await;
    let unused = Event::of("session.created", &json!({"id": "sess_1"}));
    assert_eq!(status(&gateway, &unused).await, 200);
    assert_eq!(gateway.depth().await, 0);
}

#[tokio::test]
async fn without_a_secret_nothing_is_taken_in() {
    let gateway = Gateway::start_with(&[("CLERK_WEBHOOK_SIGNING_SECRET", "")]).await;
    assert_eq!(status(&gateway, &Event::created(&ada())).await, 503);
    let refused = send(gateway.post(PATH).body("{}")).await;
    assert_eq!(refused.problem(), (503, "unavailable".to_owned()));
    assert_eq!(gateway.depth().await, 0);
}
