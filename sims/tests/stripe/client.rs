//! The API through the client that the services use: its answers parse, and
//! mean what they mean at Stripe.

use crate::support::usage::{Checkout, open_checkout, refund_all, refusal, stripe_client};
use crate::support::{Running, SECRET_KEY, quick_config, start};
use stripe::{ApiErrorsCode, StripeError};
use stripe_checkout::checkout_session::{
    ExpireCheckoutSession, ListCheckoutSession, RetrieveCheckoutSession,
};
use stripe_checkout::{CheckoutSessionPaymentStatus, CheckoutSessionStatus};
use stripe_core::PaymentIntentStatus;
use stripe_core::payment_intent::RetrievePaymentIntent;
use stripe_core::refund::{CreateRefund, ListRefund, RetrieveRefund};

#[tokio::test]
async fn a_session_is_created_and_retrieved_whole() {
    let sim = start(quick_config()).await;
    let checkout = Checkout::sample("checkout-1");
    let created = open_checkout(&sim.client, &checkout).await.unwrap();

    let session = RetrieveCheckoutSession::new(created.id.as_str())
        .expand(vec!["line_items".to_owned()])
        .send(&sim.client)
        .await
        .unwrap();
    assert_eq!(session.id.as_str(), created.id);
    assert_eq!(session.url, created.url);
    assert!(session.id.as_str().starts_with("cs_test_"));
    assert_eq!(
        session.url,
        Some(format!("{}/c/pay/{}", sim.base_url, session.id))
    );
    assert_eq!(session.status, Some(CheckoutSessionStatus::Open));
    assert_eq!(session.payment_status, CheckoutSessionPaymentStatus::Unpaid);
    assert_eq!(session.amount_total, Some(2_500));
    assert_eq!(session.expires_at, checkout.expires_at);
    assert_eq!(session.client_reference_id.as_deref(), Some("checkout-1"));
    assert_eq!(session.metadata.unwrap()["checkout_id"], "checkout-1");
    assert!(
        session.payment_intent.is_none(),
        "made with the first attempt, not before"
    );
    let lines = session.line_items.unwrap().data;
    let amounts: Vec<_> = lines
        .iter()
        .map(|line| (line.amount_total, line.quantity))
        .collect();
    assert_eq!(amounts, [(2_000, Some(2)), (500, Some(1))]);
    sim.stop().await;
}

#[tokio::test]
async fn a_paid_session_leads_to_its_payment_intent() {
    let sim = start(quick_config()).await;
    let session = sim.open_session().await;
    let intent = sim.pay(&session.id).await;

    let session = RetrieveCheckoutSession::new(session.id.as_str())
        .expand(vec!["payment_intent.latest_charge".to_owned()])
        .send(&sim.client)
        .await
        .unwrap();
    assert_eq!(session.status, Some(CheckoutSessionStatus::Complete));
    assert_eq!(session.payment_status, CheckoutSessionPaymentStatus::Paid);
    assert_eq!(session.url, None);
    let expanded = session.payment_intent.unwrap();
    let expanded = expanded.as_object().expect("expanded");
    assert!(
        expanded
            .latest_charge
            .as_ref()
            .unwrap()
            .as_object()
            .unwrap()
            .paid
    );

    let retrieved = RetrievePaymentIntent::new(intent.as_str())
        .send(&sim.client)
        .await
        .unwrap();
    assert_eq!(retrieved.id, expanded.id);
    assert_eq!(retrieved.status, PaymentIntentStatus::Succeeded);
    assert_eq!(retrieved.amount_received, 2_500);
    assert_eq!(retrieved.metadata["checkout_id"], "checkout-1");
    sim.stop().await;
}

#[tokio::test]
async fn only_an_open_session_can_be_expired() {
    let sim = start(quick_config()).await;
    let session = sim.open_session().await;
    let expired = ExpireCheckoutSession::new(session.id.as_str())
        .send(&sim.client)
        .await
        .unwrap();
    assert_eq!(expired.status, Some(CheckoutSessionStatus::Expired));
    assert_eq!(expired.url, None);

    let again = ExpireCheckoutSession::new(session.id.as_str())
        .send(&sim.client)
        .await;
    let Err(StripeError::Stripe(error, 400)) = again else {
        panic!("expected a refusal, not {again:?}");
    };
    assert_eq!(
        error.message.as_deref(),
        Some(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout \
             Session has a status of `expired`."
        )
    );
    let (status, _) = sim
        .control(
            &format!("/sim/sessions/{}/pay", session.id),
            serde_json::json!({"card": "4242424242424242"}),
        )
        .await;
    assert_eq!(status, 409, "an expired session cannot be paid");
    sim.stop().await;
}

#[tokio::test]
async fn sessions_are_listed_newest_first_page_by_page() {
    let sim = start(quick_config()).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let checkout = Checkout::sample(&format!("checkout-{number}"));
        ids.push(open_checkout(&sim.client, &checkout).await.unwrap().id);
    }
    ids.reverse();

    let first = ListCheckoutSession::new()
        .limit(3)
        .send(&sim.client)
        .await
        .unwrap();
    assert!(first.has_more);
    let first: Vec<_> = first
        .data
        .into_iter()
        .map(|session| session.id.to_string())
        .collect();
    assert_eq!(first, ids[..3]);
    let rest = ListCheckoutSession::new()
        .starting_after(first[2].as_str())
        .send(&sim.client)
        .await
        .unwrap();
    assert!(!rest.has_more);
    let rest: Vec<_> = rest
        .data
        .into_iter()
        .map(|session| session.id.to_string())
        .collect();
    assert_eq!(rest, ids[3..]);

    let intent = sim.pay(&ids[1]).await;
    let of_intent = ListCheckoutSession::new()
        .payment_intent(intent)
        .send(&sim.client)
        .await
        .unwrap();
    assert_eq!(of_intent.data.len(), 1);
    assert_eq!(of_intent.data[0].id.as_str(), ids[1]);
    sim.stop().await;
}

#[tokio::test]
async fn a_payment_is_refunded_in_parts() {
    let sim = start(quick_config()).await;
    let session = sim.open_session().await;
    let intent = sim.pay(&session.id).await;

    let part = refund_part(&sim, &intent, 1_000).await.unwrap();
    assert_eq!(part.status.as_deref(), Some("succeeded"));
    let rest = refund_all(&sim.client, &intent, "saga-1").await.unwrap();
    assert_eq!((part.amount, rest.amount), (1_000, 1_500));

    let retrieved = RetrieveRefund::new(part.id.clone())
        .send(&sim.client)
        .await
        .unwrap();
    assert_eq!(retrieved.amount, 1_000);
    let listed = ListRefund::new()
        .payment_intent(&intent)
        .send(&sim.client)
        .await
        .unwrap();
    let listed: Vec<_> = listed
        .data
        .iter()
        .map(|refund| refund.id.as_str())
        .collect();
    assert_eq!(listed, [rest.id.as_str(), part.id.as_str()]);
    sim.stop().await;
}

#[tokio::test]
async fn no_more_is_refunded_than_was_paid() {
    let sim = start(quick_config()).await;
    let session = sim.open_session().await;
    let intent = sim.pay(&session.id).await;
    refund_part(&sim, &intent, 1_000).await.unwrap();

    let too_much = refund_part(&sim, &intent, 1_501).await.unwrap_err();
    assert_eq!(refusal(&too_much), Some((None, 400)));
    let words = "Refund amount ($15.01) is greater than unrefunded amount on charge ($15.00)";
    assert!(too_much.to_string().contains(words), "{too_much}");

    refund_part(&sim, &intent, 1_500).await.unwrap();
    let again = refund_part(&sim, &intent, 1).await.unwrap_err();
    assert_eq!(
        refusal(&again),
        Some((Some(ApiErrorsCode::ChargeAlreadyRefunded), 400))
    );
    sim.stop().await;
}

async fn refund_part(
    sim: &Running,
    intent: &str,
    amount: i64,
) -> Result<Box<stripe_core::Refund>, StripeError> {
    let request = CreateRefund::new().payment_intent(intent).amount(amount);
    Box::pin(request.send(&sim.client)).await.map(Box::new)
}

#[tokio::test]
async fn unknown_ids_are_missing_resources() {
    let sim = start(quick_config()).await;
    let session = RetrieveCheckoutSession::new("cs_test_none")
        .send(&sim.client)
        .await
        .unwrap_err();
    let intent = RetrievePaymentIntent::new("pi_none")
        .send(&sim.client)
        .await
        .unwrap_err();
    let refund = CreateRefund::new()
        .payment_intent("pi_none")
        .send(&sim.client)
        .await
        .unwrap_err();
    for error in [session, intent, refund] {
        assert_eq!(
            refusal(&error),
            Some((Some(ApiErrorsCode::ResourceMissing), 404))
        );
    }
    sim.stop().await;
}

#[tokio::test]
async fn a_payment_that_was_not_made_is_not_refunded() {
    let sim = start(quick_config()).await;
    let session = sim.open_session().await;
    let path = format!("/sim/sessions/{}/pay", session.id);
    let (status, answer) = sim
        .control(&path, serde_json::json!({"card": "4000000000000002"}))
        .await;
    assert_eq!(status, 402);
    assert_eq!(answer["error"]["code"], "card_declined");
    let session = retrieve(&sim, &session.id).await;
    assert_eq!(session.status, Some(CheckoutSessionStatus::Open));
    let intent = session.payment_intent.unwrap().id().to_string();
    let declined = RetrievePaymentIntent::new(intent.as_str())
        .send(&sim.client)
        .await
        .unwrap();
    assert_eq!(declined.status, PaymentIntentStatus::RequiresPaymentMethod);
    let error = declined.last_payment_error.unwrap();
    assert_eq!(error.message.as_deref(), Some("Your card was declined."));
    let refused = CreateRefund::new()
        .payment_intent(intent)
        .send(&sim.client)
        .await
        .unwrap_err();
    assert_eq!(refusal(&refused), Some((None, 400)));
    sim.stop().await;
}

#[tokio::test]
async fn a_missing_or_malformed_key_is_unauthenticated() {
    let sim = start(quick_config()).await;
    let stranger = stripe_client("pk_test_public", Some(&sim.base_url)).unwrap();
    let error = RetrieveCheckoutSession::new("cs_test_1")
        .send(&stranger)
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), Some((None, 401)));
    let answer = sim.get("/v1/refunds").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.headers().contains_key("request-id"));
    let basic = sim
        .get("/v1/refunds")
        .basic_auth(SECRET_KEY, Some(""))
        .send()
        .await
        .unwrap();
    assert_eq!(basic.status(), 200);
    sim.stop().await;
}

async fn retrieve(sim: &Running, id: &str) -> stripe_checkout::CheckoutSession {
    RetrieveCheckoutSession::new(id)
        .send(&sim.client)
        .await
        .unwrap()
}
