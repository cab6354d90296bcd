//! The hosted payment page, as a browser without scripts sees it.

use crate::support::usage::{Checkout, OpenedSession, open_checkout};
use crate::support::{Running, quick_config, start};
use serde_json::json;

const PAYS: &str = "4242 4242 4242 4242";
const DECLINES: &str = "4000 0000 0000 0002";

async fn submit(sim: &Running, session: &OpenedSession, card: &str) -> (u16, String, String) {
    let answer = sim
        .post(&format!("/c/pay/{}", session.id))
        .form(&[("card", card), ("expiry", "12 / 40"), ("cvc", "123")])
        .send()
        .await
        .unwrap();
    let location = answer
        .headers()
        .get("location")
        .map(|url| url.to_str().unwrap().to_owned());
    (
        answer.status().as_u16(),
        location.unwrap_or_default(),
        answer.text().await.unwrap(),
    )
}

async fn show(sim: &Running, id: &str) -> (u16, String) {
    let answer = sim.get(&format!("/c/pay/{id}")).send().await.unwrap();
    assert!(answer.headers().contains_key("content-security-policy"));
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn the_page_shows_what_is_bought() {
    let sim = start(quick_config()).await;
    let session = sim.open_session().await;
    let (status, html) = show(&sim, &session.id).await;
    assert_eq!(status, 200);
    for text in ["Chair × 2", "$20.00", "Lamp", "$5.00", "Pay $25.00"] {
        assert!(html.contains(text), "{text} is not in {html}");
    }
    assert!(html.contains("href=\"http://shop.test/checkout?canceled=true\""));
    assert!(!html.contains("<script") && !html.contains("src="));
    sim.stop().await;
}

#[tokio::test]
async fn everything_that_a_seller_writes_is_escaped() {
    let sim = start(quick_config()).await;
    let mut checkout = Checkout::sample("checkout-1");
    checkout.lines[0].0 = "<script>alert('1')</script>\"&".to_owned();
    let session = open_checkout(&sim.client, &checkout).await.unwrap();
    let (_, html) = show(&sim, &session.id).await;
    assert!(!html.contains("<script"), "{html}");
    assert!(html.contains("&#60;script&#62;"), "{html}");
    sim.stop().await;
}

#[tokio::test]
async fn a_good_card_pays_and_leads_back_to_the_shop() {
    let sim = start(quick_config()).await;
    let session = sim.open_session().await;
    let (status, location, _) = submit(&sim, &session, PAYS).await;
    assert_eq!(
        (status, location.as_str()),
        (303, "http://shop.test/checkout?success=true")
    );

    let (status, html) = show(&sim, &session.id).await;
    assert_eq!(status, 200);
    assert!(html.contains("This session has been paid.") && !html.contains("<form"));
    let (status, _, html) = submit(&sim, &session, PAYS).await;
    assert_eq!(status, 409, "nobody pays twice");
    assert!(html.contains("This session has been paid."));
    assert_eq!(sim.events("checkout.session.completed").await.len(), 1);
    sim.stop().await;
}

#[tokio::test]
async fn the_buyer_is_sent_where_the_shop_asked_for() {
    let sim = start(quick_config()).await;
    for (success_url, leads_to) in [
        (
            "http://shop.test/ok?id={CHECKOUT_SESSION_ID}",
            "http://shop.test/ok?id=ID",
        ),
        (
            "http://shop.test/völlig klar",
            "http://shop.test/v%C3%B6llig%20klar",
        ),
    ] {
        let checkout = Checkout {
            success_url: success_url.to_owned(),
            ..Checkout::sample(success_url)
        };
        let session = open_checkout(&sim.client, &checkout).await.unwrap();
        let (status, location, _) = submit(&sim, &session, PAYS).await;
        assert_eq!(
            (status, location),
            (303, leads_to.replace("ID", &session.id))
        );
    }
    sim.stop().await;
}

#[tokio::test]
async fn a_declined_card_can_be_replaced() {
    let sim = start(quick_config()).await;
    let session = sim.open_session().await;
    let (status, _, html) = submit(&sim, &session, DECLINES).await;
    assert_eq!(status, 402);
    assert!(html.contains("Your card was declined.") && html.contains("role=\"alert\""));
    assert_eq!(sim.events("payment_intent.payment_failed").await.len(), 1);
    let (status, _, _) = submit(&sim, &session, PAYS).await;
    assert_eq!(status, 303);
    sim.stop().await;
}

#[tokio::test]
async fn what_is_no_card_is_said_to_be_none() {
    let sim = start(quick_config()).await;
    let session = sim.open_session().await;
    for number in ["", "4111 1111 1111 1111", "<b>", "4242"] {
        let (status, _, html) = submit(&sim, &session, number).await;
        assert_eq!(status, 400);
        assert!(html.contains("Your card number is invalid."), "{number}");
    }
    let past = sim
        .post(&format!("/c/pay/{}", session.id))
        .form(&[("card", PAYS), ("expiry", "01/20"), ("cvc", "123")])
        .send()
        .await
        .unwrap();
    assert!(
        past.text()
            .await
            .unwrap()
            .contains("expiration date is invalid")
    );
    sim.stop().await;
}

#[tokio::test]
async fn an_expired_or_unknown_session_cannot_be_paid() {
    let sim = start(quick_config()).await;
    let session = sim.open_session().await;
    sim.control(&format!("/sim/sessions/{}/expire", session.id), json!({}))
        .await;
    let (_, html) = show(&sim, &session.id).await;
    assert!(html.contains("This session has expired.") && !html.contains("<form"));
    let (status, _, html) = submit(&sim, &session, PAYS).await;
    assert_eq!(status, 409);
    assert!(html.contains("This session has expired."));
    let (status, html) = show(&sim, "cs_test_none").await;
    assert_eq!(status, 404);
    assert!(html.contains("There is no such checkout session."));
    sim.stop().await;
}
