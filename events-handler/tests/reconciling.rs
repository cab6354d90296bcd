//! What is done about checkouts whose webhook never came.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

mod support;

use bson::{Document, doc};
use reen_proto::checkout::v1::{Status, UnsettledCheckout};
use reen_testkit::eventually;
use support::{TOTAL_CENTS, World, checkout_id};

/// Each round lists twice: to ask Stripe, and to watch the deadlines.
const LISTS_PER_ROUND: usize = 2;

/// A world whose reconciler is at it every second.
async fn hasty_world() -> World {
    let mut world = idle_world().await;
    world.start_app().await;
    world
}

async fn idle_world() -> World {
    let mut world = World::without_app().await;
    let every = ("RECONCILE_EVERY_SECONDS".to_owned(), "1".to_owned());
    world.settings.extend([every]);
    world
}

/// A checkout that the checkout service lists, with a session that can be paid.
struct Left {
    checkout: String,
    session: String,
}

async fn leave(world: &World, status: Status) -> Left {
    let checkout = checkout_id();
    let session = world.stripe.open_session(&checkout, TOTAL_CENTS).await;
    list(world, &checkout, &session, status);
    Left { checkout, session }
}

fn list(world: &World, checkout: &str, session: &str, status: Status) {
    world.book.leave_unsettled([UnsettledCheckout {
        checkout_id: checkout.to_owned(),
        status: status.into(),
        stripe_session_id: session.to_owned(),
        since: None,
    }]);
}

async fn leave_paid(world: &World, status: Status) -> Left {
    let left = leave(world, status).await;
    world.stripe.pay(&left.session, false).await;
    left
}

/// Waits until what is listed now was looked at, twice.
async fn rounds_pass(world: &World) {
    let before = world.book.times_listed();
    eventually("rounds of the reconciler", async || {
        let listed = world.book.times_listed() - before;
        (listed > 3 * LISTS_PER_ROUND).then_some(())
    })
    .await;
}

async fn sagas_of(world: &World, checkout: &str) -> u64 {
    let own = doc! {"key": checkout};
    world.sagas.count_documents(own).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_webhook_never_came_becomes_an_order() {
    let world = hasty_world().await;
    for status in [Status::Open, Status::Paid] {
        let letters = world.letters_to("buyer@reen.example").len();
        let left = leave_paid(&world, status).await;
        let saga = world.order_saga_in(&left.checkout, "done").await;
        let state = saga.get_document("state").unwrap();
        assert_eq!(state.get_i64("amount_cents").unwrap(), TOTAL_CENTS);
        assert_eq!(state.get_str("session_id").unwrap(), left.session);
        assert_eq!(state.get_str("currency").unwrap(), "usd");
        let told = world.letters_to("buyer@reen.example").len();
        assert_eq!(told, letters + 1);
    }
    assert!(world.stripe.refunds().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_comes_after_all_changes_nothing() {
    let world = hasty_world().await;
    let left = leave_paid(&world, Status::Open).await;
    world.order_saga_in(&left.checkout, "done").await;
    let effects = world.book.effects();

    let mut late = world.stripe.paid_session(&left.checkout, TOTAL_CENTS).await;
    let payment = payment_of(&world, &left.checkout).await;
    late.event["data"]["object"]["payment_intent"] = payment.into();
    world
        .publish(&late.event_id, "checkout.session.completed", &late.event)
        .await;
    rounds_pass(&world).await;
    eventually("the queue to be empty", async || {
        (world.broker.depth(reen_proto::events::QUEUE).await == 0).then_some(())
    })
    .await;
    assert_eq!(world.book.effects(), effects);
    assert_eq!(world.letters_to("buyer@reen.example").len(), 1);
}

async fn payment_of(world: &World, checkout: &str) -> String {
    let id = format!("order-completed:{checkout}");
    let saga = world.sagas.find_one(doc! {"_id": id}).await.unwrap();
    let saga = saga.unwrap();
    let state = saga.get_document("state").unwrap();
    state.get_str("payment_intent_id").unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_replicas_reconcile_as_one() {
    let world = idle_world().await;
    let mut left = Vec::new();
    for _ in 0..10 {
        left.push(leave_paid(&world, Status::Open).await);
    }
    let _replicas = [
        world.replica().await,
        world.replica().await,
        world.replica().await,
    ];
    for left in &left {
        world.order_saga_in(&left.checkout, "done").await;
    }
    let orders = world.book.effects();
    let orders = orders.iter().filter(|effect| *effect == "create_order");
    assert_eq!(orders.count(), left.len());
    assert_eq!(
        world.letters_to("buyer@reen.example").len(),
        left.len(),
        "everybody is told once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_gives_its_stock_back() {
    let world = hasty_world().await;
    let expired = leave(&world, Status::Open).await;
    world.stripe.act(&expired.session, "expire").await;
    let failed = leave(&world, Status::Open).await;
    world.stripe.pay(&failed.session, true).await;
    world.stripe.act(&failed.session, "async-fail").await;
    for over in [&expired, &failed] {
        world
            .saga_in("checkout-expired", &over.checkout, "done")
            .await;
    }
    rounds_pass(&world).await;
    assert_eq!(world.book.effects(), ["expire_checkout"; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_decided_yet_is_left_alone() {
    let world = hasty_world().await;
    let open = leave(&world, Status::Open).await;
    let delayed = leave(&world, Status::Open).await;
    world.stripe.pay(&delayed.session, true).await;
    let unknown = checkout_id();
    list(&world, &unknown, "cs_of_another_account", Status::Open);
    let unopened = checkout_id();
    list(&world, &unopened, "", Status::Open);
    rounds_pass(&world).await;
    for checkout in [&open.checkout, &delayed.checkout, &unknown, &unopened] {
        assert_eq!(sagas_of(&world, checkout).await, 0);
    }

    world.stripe.act(&delayed.session, "async-succeed").await;
    world.order_saga_in(&delayed.checkout, "done").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_stripe_is_silent_nothing_is_decided() {
    let world = idle_world().await;
    let mut left = Vec::new();
    for _ in 0..20 {
        left.push(leave_paid(&world, Status::Open).await);
    }
    world.stripe.keep_silent().await;
    let _replica = world.replica().await;
    rounds_pass(&world).await;
    assert_eq!(world.sagas.count_documents(doc! {}).await.unwrap(), 0);
    assert!(world.book.effects().is_empty());

    world.stripe.recover().await;
    for left in &left {
        world.order_saga_in(&left.checkout, "done").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_that_is_there_is_left_to_its_runner_or_to_an_operator() {
    let world = hasty_world().await;
    let checkout = checkout_id();
    world.pay(&checkout, 1).await;
    let before = world.order_saga_in(&checkout, "done").await;
    let id = before.get_str("_id").unwrap();
    let stuck = doc! {"status": "stuck", "stuckIn": "running", "step": 0};
    set(&world, id, stuck).await;
    let session = before.get_document("state").unwrap();
    let session = session.get_str("session_id").unwrap().to_owned();
    list(&world, &checkout, &session, Status::Paid);
    rounds_pass(&world).await;
    let after = world.sagas.find_one(doc! {"_id": id}).await.unwrap();
    let after = after.unwrap();
    assert_eq!(after.get_str("status").unwrap(), "stuck");
    assert_eq!(after.get("epoch"), before.get("epoch"));
}

async fn set(world: &World, id: &str, fields: Document) {
    let this = doc! {"_id": id};
    let changed = world.sagas.update_one(this, doc! {"$set": fields}).await;
    assert_eq!(changed.unwrap().modified_count, 1);
}
