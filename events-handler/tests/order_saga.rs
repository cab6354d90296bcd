//! The order saga among services that fail as they are told: happy, repeated, refused, ambiguous.

mod support;

use reen_error::Code;
use support::book::Fault;
use support::{World, checkout_id};

/// The effects of a whole purchase; some are made side by side.
const PURCHASE: [&str; 7] = [
    "record_payment",
    "commit_hold",
    "post_sale",
    "create_order",
    "take_out_bought",
    "record_purchase",
    "complete_checkout",
];

/// Each step that can be refused finally, with an error that is final for it.
const REFUSALS: [(&str, Code); 4] = [
    ("record_payment", Code::AmountMismatch),
    ("commit_hold", Code::InsufficientStock),
    ("post_sale", Code::ValidationFailed),
    ("create_order", Code::ValidationFailed),
];

/// What the first stage owes, undone in reverse, whichever of its steps was refused: what was never
/// done never will be.
const UNDONE: [&str; 5] = [
    "withdraw_order",
    "reverse_sale",
    "release_hold",
    "release_hold",
    "record_refund",
];

fn sorted<T: ToString>(effects: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut effects: Vec<_> = effects
        .into_iter()
        .map(|effect| effect.to_string())
        .collect();
    effects.sort_unstable();
    effects
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_becomes_one_order_and_two_letters() {
    let world = World::start().await;
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;
    let saga = world.order_saga_in(&checkout, "done").await;

    assert_eq!(sorted(world.book.effects()), sorted(PURCHASE));
    assert!(world.stripe.refunds().await.is_empty());
    let log = saga.get_array("log").unwrap();
    assert_eq!(
        log.len(),
        PURCHASE.len() + 1,
        "every step is in the log: {log:?}"
    );

    let to_buyer = world.letters_to("buyer@reen.example");
    assert_eq!(to_buyer.len(), 1);
    assert!(to_buyer[0].contains("$125.00"), "{}", to_buyer[0]);
    assert_eq!(world.letters_to("seller@reen.example").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_five_times_has_one_effect() {
    let world = World::start().await;
    let checkout = checkout_id();
    world.pay(&checkout, 5).await;
    world.order_saga_in(&checkout, "done").await;
    reen_testkit::eventually("the queue to be empty", async || {
        (world.broker.depth(reen_proto::events::QUEUE).await == 0).then_some(())
    })
    .await;
    assert_eq!(sorted(world.book.effects()), sorted(PURCHASE));
    assert_eq!(world.letters_to("buyer@reen.example").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_that_is_refused_is_undone_in_reverse_and_refunded_once() {
    for (step, code) in REFUSALS {
        let world = World::start().await;
        world.book.fail(step, [Fault::Refuses(code)]);
        let checkout = checkout_id();
        world.pay(&checkout, 1).await;
        let saga = world.order_saga_in(&checkout, "compensated").await;

        let mut effects = world.book.effects();
        effects.retain(|effect| !PURCHASE.contains(&effect.as_str()));
        assert_eq!(effects, UNDONE, "{step}");
        assert_eq!(world.book.calls_of("take_out_bought"), 0, "{step}");

        let refunds = world.stripe.refunds().await;
        assert_eq!(refunds.len(), 1, "{step}");
        assert_eq!(refunds[0]["amount"], support::TOTAL_CENTS);
        assert!(saga.get_array("owed").unwrap().is_empty());
        let refusal = saga.get_document("refusal").unwrap();
        assert_eq!(refusal.get_str("code").unwrap(), code.word());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn compensation_runs_under_a_newer_epoch_than_what_it_undoes() {
    let world = World::start().await;
    world
        .book
        .fail("create_order", [Fault::Refuses(Code::ValidationFailed)]);
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;
    world.order_saga_in(&checkout, "compensated").await;
    let epochs = world.book.epochs();
    let acted = world.book.calls_of("record_payment")
        + world.book.calls_of("commit_hold")
        + world.book.calls_of("post_sale")
        + world.book.calls_of("create_order");
    let (actions, undos) = epochs.split_at(acted);
    assert!(actions.iter().max() < undos.iter().min(), "{epochs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_undo_whose_answer_is_lost_has_one_effect() {
    let world = World::start().await;
    world
        .book
        .fail("create_order", [Fault::Refuses(Code::ValidationFailed)]);
    for undo in [
        "withdraw_order",
        "reverse_sale",
        "release_hold",
        "record_refund",
    ] {
        world.book.fail(undo, [Fault::AnswerLost]);
    }
    world.stripe.lose_answers("POST", "/v1/refunds", 1).await;
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;
    world.order_saga_in(&checkout, "compensated").await;
    assert_eq!(world.stripe.refunds().await.len(), 1);
    let mut effects = world.book.effects();
    effects.retain(|effect| effect == "record_refund" || effect == "reverse_sale");
    assert_eq!(effects, ["reverse_sale", "record_refund"]);
    assert_eq!(world.letters_to("buyer@reen.example").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_after_its_hold_expired_reserves_anew() {
    let world = World::start().await;
    world
        .book
        .fail("commit_hold", [Fault::Refuses(Code::HoldGone)]);
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;
    world.order_saga_in(&checkout, "done").await;
    let mut expected = PURCHASE.to_vec();
    expected.push("reserve_stock");
    assert_eq!(sorted(world.book.effects()), sorted(expected));
    assert!(world.stripe.refunds().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_after_its_hold_expired_is_refunded_when_the_stock_is_gone() {
    let world = World::start().await;
    world
        .book
        .fail("commit_hold", [Fault::Refuses(Code::HoldGone)]);
    world
        .book
        .fail("reserve_stock", [Fault::Refuses(Code::InsufficientStock)]);
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;
    world.order_saga_in(&checkout, "compensated").await;
    assert_eq!(world.stripe.refunds().await.len(), 1);
    let letters = world.letters_to("buyer@reen.example");
    assert_eq!(letters.len(), 1);
    assert!(
        letters[0].contains("Subject: Your payment was refunded"),
        "{}",
        letters[0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sold_stock_is_returned_rather_than_released() {
    let world = World::start().await;
    world
        .book
        .fail("post_sale", [Fault::Refuses(Code::ValidationFailed)]);
    // The first release is of the hold for a late payment, which was never made.
    world.book.fail(
        "release_hold",
        [Fault::None, Fault::Refuses(Code::HoldCommitted)],
    );
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;
    world.order_saga_in(&checkout, "compensated").await;
    let undone = [
        "withdraw_order",
        "reverse_sale",
        "release_hold",
        "return_stock",
        "record_refund",
    ];
    let mut effects = world.book.effects();
    effects.retain(|effect| !PURCHASE.contains(&effect.as_str()));
    assert_eq!(effects, undone);
}
