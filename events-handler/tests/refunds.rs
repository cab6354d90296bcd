//! Money that goes back after the order: asked for here, or given back at Stripe's side.
#![expect(clippy::unwrap_used, reason = "helpers of a test fail by panicking")]

mod support;

use reen_error::Code;
use reen_proto::checkout::v1::{Payment, Status};
use reen_testkit::eventually;
use support::book::Fault;
use support::refunds::{ask, key_of, paid, refunded_outside, sold, tell};
use support::{OUTSIDE_CENTS, TOTAL_CENTS, World};

const REQUESTED: &str = "refund-requested";
const REFUNDED: &str = "payment-refunded";
const BUYER: &str = "buyer@reen.example";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_goes_back_once_and_the_buyer_is_told() {
    let world = World::start().await;
    let key = sold(&world).await;
    for _ in 0..3 {
        ask(&world, &key).await;
    }
    world.saga_in(REQUESTED, &key, "done").await;
    let refunds = world.stripe.refunds().await;
    assert_eq!(refunds.len(), 1, "{refunds:?}");
    assert_eq!(refunds[0]["amount"], TOTAL_CENTS);
    assert_eq!(refunds[0]["metadata"]["refund_id"], key.as_str());
    let letters = world.letters_to(BUYER);
    assert_eq!(letters.len(), 1);
    assert!(letters[0].contains("$125.00"), "{}", letters[0]);
    let mut effects = world.book.effects();
    effects.sort_unstable();
    let expected = [
        "post_refund",
        "return_stock",
        "return_stock",
        "settle_refund",
    ];
    assert_eq!(effects, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_whose_answer_was_lost_is_made_once() {
    let world = World::start().await;
    let key = sold(&world).await;
    world.stripe.lose_answers("POST", "/v1/refunds", 2).await;
    ask(&world, &key).await;
    world.saga_in(REQUESTED, &key, "done").await;
    assert_eq!(world.stripe.refunds().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_stripe_refuses_is_rejected_without_a_letter() {
    let world = World::start().await;
    let key = sold(&world).await;
    let refusal = Fault::Refuses(Code::PaymentRefused);
    let saga = format!("{REQUESTED}:{key}");
    world.book.fail_step(&saga, "refund-payment", refusal);
    ask(&world, &key).await;
    let settled = world.saga_in(REQUESTED, &key, "compensated").await;
    assert_eq!(world.book.effects(), ["reject_refund"]);
    assert!(world.letters_to(BUYER).is_empty());
    let state = settled.get_document("state").unwrap();
    assert!(!state.get_str("rejection").unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_waits_for_its_order_and_is_refused_when_there_is_none() {
    let world = World::start().await;
    for (becomes, ends) in [
        (Status::Completed, "done"),
        (Status::Refunded, "compensated"),
    ] {
        let (key, _) = paid(&world, Status::Paid).await;
        ask(&world, &key).await;
        has_waited(&world, REQUESTED, &key).await;
        become_of(&world, &key, becomes);
        world.saga_in(REQUESTED, &key, ends).await;
    }
    assert_eq!(world.stripe.refunds().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_in_the_dashboard_is_noted_once_however_often_it_is_told() {
    let world = World::start().await;
    let key = refunded_outside(&world).await;
    for _ in 0..3 {
        tell(&world, &key).await;
    }
    world.saga_in(REFUNDED, &key, "done").await;
    assert_eq!(
        world.book.effects(),
        ["record_outside_refund", "post_refund"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_that_are_told_in_the_wrong_order_are_noted_once_each() {
    let world = World::start().await;
    let (id, session) = paid(&world, Status::Completed).await;
    let payment = world.book.payment_of(&id).unwrap();
    let first = Some(OUTSIDE_CENTS);
    world.stripe.refund_session(&session, first).await;
    world.stripe.refund_session(&session, None).await;
    for told in [TOTAL_CENTS, OUTSIDE_CENTS] {
        let key = key_of(&payment, told);
        tell(&world, &key).await;
        world.saga_in(REFUNDED, &key, "done").await;
    }
    // The later saga asks the same again, and every effect was made by the first.
    assert_eq!(world.book.calls_of("post_refund"), 4);
    let posted = world.book.effects();
    let posted = posted.iter().filter(|effect| *effect == "post_refund");
    assert_eq!(posted.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_refunds_are_not_noted_again() {
    let world = World::start().await;
    let key = sold(&world).await;
    ask(&world, &key).await;
    world.saga_in(REQUESTED, &key, "done").await;
    let payment = world.book.payment_of(&key).unwrap();
    let told = key_of(&payment, TOTAL_CENTS);
    tell(&world, &told).await;
    world.saga_in(REFUNDED, &told, "done").await;
    assert_eq!(world.book.calls_of("record_outside_refund"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_what_is_no_order_yet_waits_and_of_what_never_is_changes_nothing() {
    let world = World::start().await;
    for (becomes, noted) in [(Status::Refunded, 0), (Status::Completed, 1)] {
        let (id, session) = paid(&world, Status::Paid).await;
        let payment = world.book.payment_of(&id).unwrap();
        let amount = Some(OUTSIDE_CENTS);
        world.stripe.refund_session(&session, amount).await;
        let key = key_of(&payment, OUTSIDE_CENTS);
        tell(&world, &key).await;
        has_waited(&world, REFUNDED, &key).await;
        become_of(&world, &id, becomes);
        world.saga_in(REFUNDED, &key, "done").await;
        assert_eq!(world.book.calls_of("record_outside_refund"), noted);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_of_another_payment_of_the_checkout_changes_nothing() {
    let world = World::start().await;
    let key = refunded_outside(&world).await;
    let (intent, _) = key.split_once(':').unwrap();
    let told = world.book.payment_by_intent(intent).unwrap();
    let event = serde_json::json!({
        "id": "ch_1",
        "metadata": {"checkout_id": told.checkout_id},
        "payment_intent": intent,
        "amount_refunded": OUTSIDE_CENTS,
    });
    let event = support::session_event("evt_1", "charge.refunded", &event);
    world.book.know_payment(Payment {
        payment_intent_id: "pi_another".to_owned(),
        ..told
    });
    world.publish("evt_1", "charge.refunded", &event).await;
    world.saga_in(REFUNDED, &key, "done").await;
    assert!(world.book.effects().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_went_back_before_its_saga_turns_around_goes_back_once() {
    let world = World::start().await;
    let id = support::checkout_id();
    let paid = world.stripe.paid_session(&id, TOTAL_CENTS).await;
    let session = paid.session["id"].as_str().unwrap();
    world.stripe.refund_session(session, None).await;
    let saga = format!("order-completed:{id}");
    let refusal = Fault::Refuses(Code::ValidationFailed);
    world.book.fail_step(&saga, "post-sale", refusal);
    let kind = "checkout.session.completed";
    world.publish(&paid.event_id, kind, &paid.event).await;
    let settled = world.order_saga_in(&id, "compensated").await;
    let refunds = world.stripe.refunds().await;
    assert_eq!(refunds.len(), 1, "{refunds:?}");
    let state = settled.get_document("state").unwrap();
    assert_eq!(state.get_str("refund_id").unwrap(), refunds[0]["id"]);
}

/// Waits until a saga was put off.
async fn has_waited(world: &World, kind: &str, key: &str) {
    let this = bson::doc! {"_id": format!("{kind}:{key}"), "attempts": {"$gt": 0}};
    eventually("the saga to wait", async || {
        world.sagas.find_one(this.clone()).await.unwrap()
    })
    .await;
}

fn become_of(world: &World, checkout_id: &str, status: Status) {
    let payment = world.book.payment_of(checkout_id).unwrap();
    world.book.know_payment(Payment {
        status: status.into(),
        ..payment
    });
}
