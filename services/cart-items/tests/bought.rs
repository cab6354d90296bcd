//! What sagas do to carts.

mod support;

use bson::oid::ObjectId;
use reen_error::{Code, Failure};
use reen_proto::cart_items::v1::{
    CartItem, EmptyCartRequest, PutBackRequest, TakeOutBoughtRequest,
};
use reen_proto::time::to_millis;
use reen_testkit::{code, eventually, settled};

use support::{World, bought, caller, in_epoch, operation};

/// A cart with five lamps and two desks.
struct Cart {
    world: World,
    user: ObjectId,
    lamp: ObjectId,
    desk: ObjectId,
}

impl Cart {
    async fn filled() -> Self {
        let world = World::start().await;
        let (lamp, desk) = (
            world.catalogue.product(5_000),
            world.catalogue.product(5_000),
        );
        let user = ObjectId::new();
        world.added(user, lamp, 5).await;
        world.added(user, desk, 2).await;
        Self {
            world,
            user,
            lamp,
            desk,
        }
    }

    async fn take_out(&self, lines: &[(ObjectId, i64)]) -> Result<(), Failure> {
        let taking = operation("paid", "take");
        self.world.take_out(taking, self.user, lines).await
    }

    /// How many lamps and desks there are.
    async fn pieces(&self) -> (i64, i64) {
        let cart = self.world.cart(self.user).await;
        let pieces_of = |product: ObjectId| {
            let items = cart.iter().filter(|(id, _)| *id == product.to_hex());
            items.map(|(_, quantity)| quantity).sum()
        };
        (pieces_of(self.lamp), pieces_of(self.desk))
    }
}

#[tokio::test]
async fn what_was_bought_leaves_the_cart() {
    let cart = Cart::filled().await;
    let neighbour = ObjectId::new();
    cart.world.added(neighbour, cart.lamp, 5).await;
    cart.take_out(&[(cart.lamp, 5), (cart.desk, 2)])
        .await
        .unwrap();
    assert!(cart.world.list(cart.user).await.is_empty());
    assert_eq!(cart.world.list(neighbour).await.len(), 1);
}

#[tokio::test]
async fn what_was_added_after_the_checkout_stays() {
    let cart = Cart::filled().await;
    cart.world.added(cart.user, cart.lamp, 3).await;
    let bed = cart.world.catalogue.product(10);
    cart.world.added(cart.user, bed, 1).await;
    let before = cart.world.list(cart.user).await;
    a_tick_after(before.last().unwrap()).await;
    cart.take_out(&[(cart.lamp, 5), (cart.desk, 2)])
        .await
        .unwrap();
    let left = cart.world.list(cart.user).await;
    let quantities: Vec<_> = left.iter().map(|item| item.quantity).collect();
    assert_eq!(quantities, [3, 1]);
    assert_eq!(left[0].id, before[0].id);
    assert_eq!(left[0].created_at, before[0].created_at);
    assert_ne!(left[0].updated_at, before[0].updated_at);
    assert_eq!(left[1], before[2]);
}

#[tokio::test]
async fn what_is_not_in_the_cart_any_more_is_not_missed() {
    let cart = Cart::filled().await;
    let item = &cart.world.list(cart.user).await[0];
    cart.world.change(cart.user, &item.id, 1).await.unwrap();
    let never = cart.world.catalogue.product(10);
    cart.take_out(&[(cart.lamp, 5), (never, 1)]).await.unwrap();
    assert_eq!(cart.pieces().await, (0, 2));
    let undoing = operation("paid", "undo");
    cart.world
        .put_back(undoing, &operation("paid", "take"))
        .await
        .unwrap();
    // Only what was taken comes back.
    assert_eq!(cart.pieces().await, (1, 2));
    assert_eq!(cart.world.list(cart.user).await.len(), 2);
}

#[tokio::test]
async fn a_repeat_takes_nothing_more() {
    let cart = Cart::filled().await;
    for _ in 0..3 {
        cart.take_out(&[(cart.lamp, 2)]).await.unwrap();
    }
    assert_eq!(cart.pieces().await, (3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_at_once_take_once() {
    let cart = Cart::filled().await;
    let lines = [(cart.lamp, 2), (cart.desk, 1)];
    let racing = (0..20).map(|racer| {
        // Half of them come from other sagas, so that the fence does not keep them apart.
        let mut taking = operation("paid", "take");
        if racer % 2 == 1 {
            taking.saga = format!("other-{racer}");
        }
        cart.world.take_out(taking, cart.user, &lines)
    });
    futures::future::try_join_all(racing).await.unwrap();
    assert_eq!(cart.pieces().await, (3, 1));
}

#[tokio::test]
async fn what_was_taken_out_is_put_back_once() {
    let cart = Cart::filled().await;
    let taking = operation("paid", "take");
    cart.take_out(&[(cart.lamp, 2), (cart.desk, 2)])
        .await
        .unwrap();
    for effect in ["undo", "undo", "undo-again"] {
        let undoing = operation("paid", effect);
        cart.world.put_back(undoing, &taking).await.unwrap();
        assert_eq!(cart.pieces().await, (5, 2));
    }
    let again = cart
        .world
        .take_out(taking, cart.user, &[(cart.lamp, 2)])
        .await;
    assert_eq!(code(again), Code::OperationVoided);
    assert_eq!(cart.pieces().await, (5, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn undoing_at_once_puts_back_once() {
    let cart = Cart::filled().await;
    let taking = operation("paid", "take");
    cart.take_out(&[(cart.lamp, 5), (cart.desk, 1)])
        .await
        .unwrap();
    let racing = (0..20).map(|racer| {
        let undoing = operation(&format!("other-{racer}"), "undo");
        cart.world.put_back(undoing, &taking)
    });
    futures::future::try_join_all(racing).await.unwrap();
    assert_eq!(cart.pieces().await, (5, 2));
}

#[tokio::test]
async fn what_is_put_back_adds_up_to_the_most_that_a_cart_holds() {
    let cart = Cart::filled().await;
    let taking = operation("paid", "take");
    cart.take_out(&[(cart.lamp, 5), (cart.desk, 2)])
        .await
        .unwrap();
    cart.world.added(cart.user, cart.lamp, 1_998).await;
    cart.world.added(cart.user, cart.desk, 8).await;
    let undoing = operation("paid", "undo");
    cart.world.put_back(undoing, &taking).await.unwrap();
    assert_eq!(cart.pieces().await, (2_000, 10));
}

#[tokio::test]
async fn what_was_undone_before_it_was_done_never_is() {
    let cart = Cart::filled().await;
    let taking = operation("paid", "take");
    let undoing = operation("paid", "undo");
    cart.world.put_back(undoing.clone(), &taking).await.unwrap();
    cart.world.put_back(undoing, &taking).await.unwrap();
    let late = cart
        .world
        .take_out(taking, cart.user, &[(cart.lamp, 5)])
        .await;
    assert_eq!(code(late), Code::OperationVoided);
    assert_eq!(cart.pieces().await, (5, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn doing_and_undoing_at_once_leave_the_cart_as_it_was() {
    let cart = Cart::filled().await;
    let racing = (0..20).map(|racer| {
        let (cart, saga) = (&cart, format!("paid-{racer}"));
        let taking = operation(&saga, "take");
        // From another saga, so that the fence does not keep them apart.
        let undoing = operation(&format!("other-{racer}"), "undo");
        async move {
            let lines = [(cart.lamp, 1)];
            let (taken, undone) = futures::join!(
                cart.world.take_out(taking.clone(), cart.user, &lines),
                cart.world.put_back(undoing, &taking),
            );
            undone.unwrap();
            if let Err(refused) = taken {
                assert_eq!(refused.code, Code::OperationVoided);
            }
        }
    });
    futures::future::join_all(racing).await;
    assert_eq!(cart.pieces().await, (5, 2));
}

#[tokio::test]
async fn a_stale_runner_changes_nothing() {
    let cart = Cart::filled().await;
    let (world, user) = (&cart.world, cart.user);
    let newer = in_epoch(3, "paid", "take");
    world
        .take_out(newer.clone(), user, &[(cart.lamp, 1)])
        .await
        .unwrap();
    let stale = |effect| in_epoch(2, "paid", effect);
    let refused = [
        world
            .take_out(stale("take-again"), user, &[(cart.lamp, 1)])
            .await,
        // A repeat of a stale runner is refused as well: it must not believe that it goes on.
        world.take_out(stale("take"), user, &[(cart.lamp, 1)]).await,
        world.put_back(stale("undo"), &newer).await,
        world.empty(stale("empty"), user).await,
    ];
    for refused in refused {
        assert_eq!(code(refused), Code::StaleEpoch);
    }
    assert_eq!(cart.pieces().await, (4, 2));
    // Other sagas have epochs of their own.
    let of_another = in_epoch(1, "another", "take");
    world
        .take_out(of_another, user, &[(cart.lamp, 1)])
        .await
        .unwrap();
    assert_eq!(cart.pieces().await, (3, 2));
}

#[tokio::test]
async fn a_cart_is_emptied_once() {
    let cart = Cart::filled().await;
    let neighbour = ObjectId::new();
    cart.world.added(neighbour, cart.lamp, 1).await;
    let emptying = operation("deleted", "empty");
    cart.world.empty(emptying.clone(), cart.user).await.unwrap();
    assert!(cart.world.list(cart.user).await.is_empty());
    assert_eq!(cart.world.list(neighbour).await.len(), 1);
    cart.world.added(cart.user, cart.lamp, 1).await;
    cart.world.empty(emptying, cart.user).await.unwrap();
    assert_eq!(cart.pieces().await, (1, 0));
}

#[tokio::test]
async fn a_step_that_cannot_be_right_is_refused() {
    let cart = Cart::filled().await;
    let mut sagas = caller("events-handler", cart.world.address);
    let fine = TakeOutBoughtRequest {
        operation: Some(operation("paid", "take")),
        user_id: cart.user.to_hex(),
        lines: vec![bought((cart.lamp, 1))],
    };
    let mut without_product = fine.clone();
    without_product.lines[0].product_id = "lamp".to_owned();
    let with_quantity = |quantity| TakeOutBoughtRequest {
        lines: vec![bought((cart.lamp, quantity))],
        ..fine.clone()
    };
    let wrong = [
        TakeOutBoughtRequest {
            operation: None,
            ..fine.clone()
        },
        TakeOutBoughtRequest {
            user_id: "me".to_owned(),
            ..fine.clone()
        },
        without_product,
        with_quantity(0),
        with_quantity(-1),
        with_quantity(2_001),
    ];
    for asked in wrong {
        let refused = settled(sagas.take_out_bought(asked).await);
        assert_eq!(code(refused), Code::ValidationFailed);
    }
    let anonymous = PutBackRequest::default();
    assert_eq!(
        code(settled(sagas.put_back(anonymous).await)),
        Code::ValidationFailed
    );
    let anonymous = EmptyCartRequest::default();
    assert_eq!(
        code(settled(sagas.empty_cart(anonymous).await)),
        Code::ValidationFailed
    );
    assert_eq!(cart.pieces().await, (5, 2));
}

/// Waits until the clock shows a later time than that of the item's last change.
async fn a_tick_after(item: &CartItem) {
    let changed = item.updated_at.as_ref().map(to_millis);
    eventually("the clock to move on", async || {
        (Some(bson::DateTime::now().timestamp_millis()) > changed).then_some(())
    })
    .await;
}
