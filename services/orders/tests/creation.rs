//! What sagas do: one order for each checkout, and none for one that was withdrawn.

mod support;

use bson::doc;
use bson::oid::ObjectId;
use reen_error::Code;
use reen_proto::orders::v1::{CreateOrderRequest, Status};
use reen_testkit::code;

use support::{World, line, one_piece, operation, purchase, withdrawal};

#[tokio::test]
async fn an_order_is_a_copy_of_what_was_bought() {
    let world = World::start().await;
    let [buyer, seller, lamp, desk] = ids();
    let lines = vec![line(lamp, seller, 1_250, 2), line(desk, seller, 9_999, 1)];
    let order = world.created(purchase("paid", buyer, lines)).await;
    assert_eq!(order.checkout_id, "paid");
    assert_eq!(order.user_id, buyer.to_hex());
    assert_eq!(order.total_cents, 12_499);
    assert_eq!(order.status(), Status::Paid);
    assert!(order.created_at.is_some());
    assert_eq!(order.created_at, order.updated_at);
    let first = &order.lines[0];
    assert_eq!(first.product_id, lamp.to_hex());
    assert_eq!(first.seller_id, seller.to_hex());
    assert_eq!((first.quantity, first.price_cents), (2, 2_500));
    assert_eq!(first.name, format!("Product {lamp}"));
    assert_eq!(first.image_url, format!("https://img.example/{lamp}.png"));
    assert_ne!(first.id, order.lines[1].id);
    assert_eq!(world.get(buyer, &order.id).await.unwrap(), order);
}

#[tokio::test]
async fn a_repeat_answers_the_order_that_is_there() {
    let world = World::start().await;
    let [buyer, seller, product, another] = ids();
    let asked = purchase("paid", buyer, one_piece(product, seller));
    let order = world.created(asked.clone()).await;
    let by_another_operation = CreateOrderRequest {
        operation: operation("paid", "create-again", 1),
        ..asked.clone()
    };
    let of_another_checkout = CreateOrderRequest {
        operation: asked.operation.clone(),
        ..purchase("other", buyer, one_piece(another, seller))
    };
    for repeat in [asked, by_another_operation, of_another_checkout] {
        assert_eq!(world.created(repeat).await, order);
    }
    assert_eq!(world.stored(doc! {}).await, 1);
    assert_eq!(world.count_of(product).await, 1);
    assert_eq!(world.count_of(another).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_make_one_order_of_a_checkout() {
    let world = World::start().await;
    let [buyer, seller, product, _] = ids();
    let asked = purchase("paid", buyer, one_piece(product, seller));
    // Half of them come from other sagas, so that the fence does not keep them apart.
    let racing = (0..50).map(|racer| {
        let saga = if racer % 2 == 0 {
            "paid".to_owned()
        } else {
            format!("other-{racer}")
        };
        world.created(CreateOrderRequest {
            operation: operation(&saga, "create", 1),
            ..asked.clone()
        })
    });
    let orders = futures::future::join_all(racing).await;
    assert!(orders.iter().all(|order| *order == orders[0]));
    assert_eq!(world.stored_of("paid").await, 1);
    assert_eq!(world.count_of(product).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_orders_of_a_product_are_counted_exactly() {
    let world = World::start().await;
    let [buyer, seller, product, _] = ids();
    let checkouts: Vec<String> = (0..50).map(|each| format!("paid-{each}")).collect();
    let racing = checkouts
        .iter()
        .map(|checkout| world.created(purchase(checkout, buyer, one_piece(product, seller))));
    futures::future::join_all(racing).await;
    assert_eq!(world.stored(doc! {}).await, 50);
    assert_eq!(world.count_of(product).await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_right_while_orders_come_and_go() {
    let world = World::start().await;
    let [buyer, seller, _, _] = ids();
    let products: [ObjectId; 4] = ids();
    let racing = (0..40_usize).map(|each| {
        let (world, checkout) = (&world, format!("paid-{each}"));
        // Each order has two of the products, in either direction.
        let lines = [each % 4, (each + 1) % 4].map(|at| line(products[at], seller, 100, 1));
        async move {
            world
                .created(purchase(&checkout, buyer, lines.into()))
                .await;
            if each % 3 == 0 {
                world.withdraw(withdrawal(&checkout)).await.unwrap();
            }
        }
    });
    futures::future::join_all(racing).await;
    for product in products {
        let stored = world.stored(doc! {"lines.productId": product}).await;
        assert_eq!(
            world.count_of(product).await,
            i64::try_from(stored).unwrap()
        );
    }
}

#[tokio::test]
async fn a_product_on_two_lines_is_in_one_order() {
    let world = World::start().await;
    let [buyer, seller, product, another] = ids();
    let lines = vec![
        line(product, seller, 100, 1),
        line(another, seller, 100, 1),
        line(product, seller, 90, 3),
    ];
    world.created(purchase("paid", buyer, lines)).await;
    assert_eq!(world.count_of(product).await, 1);
    world.withdraw(withdrawal("paid")).await.unwrap();
    assert_eq!(world.count_of(product).await, 0);
    assert_eq!(world.count_of(another).await, 0);
}

#[tokio::test]
async fn the_largest_order_is_taken() {
    let world = World::start().await;
    let [buyer, seller, known, _] = ids();
    world
        .created(purchase("first", buyer, one_piece(known, seller)))
        .await;
    let mut lines: Vec<_> = (0..99)
        .map(|_| line(ObjectId::new(), seller, 1, 1))
        .collect();
    lines.push(line(known, seller, 1, 1));
    let products = lines.iter().map(|line| line.product_id.clone()).collect();
    world.created(purchase("large", buyer, lines)).await;
    let counts = world.count(products).await.unwrap();
    assert_eq!(counts.len(), 100);
    assert_eq!(counts.values().sum::<i64>(), 101);
}

#[tokio::test]
async fn an_order_that_cannot_be_right_is_refused() {
    let world = World::start().await;
    let [buyer, seller, product, _] = ids();
    let fine = purchase("paid", buyer, one_piece(product, seller));
    let with_lines = |lines: Vec<_>| purchase("paid", buyer, lines);
    let mut without_product = fine.clone();
    without_product.lines[0].product_id = "lamp".to_owned();
    let mut without_seller = fine.clone();
    without_seller.lines[0].seller_id = String::new();
    let wrong = [
        (
            CreateOrderRequest {
                operation: None,
                ..fine.clone()
            },
            "operation",
        ),
        (
            CreateOrderRequest {
                checkout_id: String::new(),
                ..fine.clone()
            },
            "checkoutId",
        ),
        (
            CreateOrderRequest {
                user_id: "me".to_owned(),
                ..fine.clone()
            },
            "userId",
        ),
        (
            CreateOrderRequest {
                total_cents: 999,
                ..fine.clone()
            },
            "totalCents",
        ),
        (
            CreateOrderRequest {
                total_cents: -1_000,
                ..fine.clone()
            },
            "totalCents",
        ),
        (without_product, "lines[0].productId"),
        (without_seller, "lines[0].sellerId"),
        (with_lines(Vec::new()), "lines"),
        (with_lines(vec![line(product, seller, 1, 1); 101]), "lines"),
        (
            with_lines(vec![line(product, seller, 1, 0)]),
            "lines[0].quantity",
        ),
        (
            with_lines(vec![line(product, seller, 1, -1)]),
            "lines[0].quantity",
        ),
        (
            with_lines(vec![line(product, seller, -1, 1)]),
            "lines[0].unitPriceCents",
        ),
        (
            with_lines(vec![line(product, seller, i64::MAX, 2)]),
            "lines[0].quantity",
        ),
        (
            with_lines(vec![line(product, seller, i64::MAX, 1); 2]),
            "totalCents",
        ),
    ];
    for (order, field) in wrong {
        let refused = world.create(order).await.unwrap_err();
        assert_eq!(refused.code, Code::ValidationFailed, "{field}");
        assert_eq!(refused.fields[0].field, field);
    }
    assert_eq!(world.stored(doc! {}).await, 0);
    assert_eq!(world.count_of(product).await, 0);
}

#[tokio::test]
async fn a_withdrawn_order_is_gone_and_stays_gone() {
    let world = World::start().await;
    let [buyer, seller, product, _] = ids();
    let asked = purchase("paid", buyer, one_piece(product, seller));
    let order = world.created(asked.clone()).await;
    world.withdraw(withdrawal("paid")).await.unwrap();
    world.withdraw(withdrawal("paid")).await.unwrap();
    assert_eq!(code(world.get(buyer, &order.id).await), Code::NotFound);
    assert_eq!(world.count_of(product).await, 0);
    for effect in ["create", "create-again"] {
        let again = CreateOrderRequest {
            operation: operation("paid", effect, 2),
            ..asked.clone()
        };
        assert_eq!(code(world.create(again).await), Code::OperationVoided);
    }
    assert_eq!(world.stored(doc! {}).await, 0);
}

#[tokio::test]
async fn an_order_that_was_withdrawn_before_it_was_created_never_is() {
    let world = World::start().await;
    let [buyer, seller, product, _] = ids();
    world.withdraw(withdrawal("paid")).await.unwrap();
    world.withdraw(withdrawal("paid")).await.unwrap();
    // As many as there may be: none of them names an operation that created something.
    world.withdraw(withdrawal("another")).await.unwrap();
    let late = CreateOrderRequest {
        operation: operation("paid", "create", 2),
        ..purchase("paid", buyer, one_piece(product, seller))
    };
    assert_eq!(code(world.create(late).await), Code::OperationVoided);
    assert_eq!(world.stored(doc! {}).await, 0);
    assert_eq!(world.count_of(product).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn creation_and_withdrawal_at_once_leave_no_order() {
    let world = World::start().await;
    let [buyer, seller, product, _] = ids();
    let racing = (0..30).map(|each| {
        let (world, checkout) = (&world, format!("paid-{each}"));
        // From another saga, so that the fence does not keep them apart.
        let mut order = purchase(&checkout, buyer, one_piece(product, seller));
        order.operation = operation(&format!("other-{each}"), "create", 1);
        async move {
            let withdrawals = [withdrawal(&checkout), withdrawal(&checkout)];
            let withdrawing =
                futures::future::try_join_all(withdrawals.map(|each| world.withdraw(each)));
            let (created, withdrawn) = futures::join!(world.create(order), withdrawing);
            withdrawn.unwrap();
            if let Err(refused) = created {
                assert_eq!(refused.code, Code::OperationVoided);
            }
        }
    });
    futures::future::join_all(racing).await;
    assert_eq!(world.stored(doc! {}).await, 0);
    assert_eq!(world.count_of(product).await, 0);
}

#[tokio::test]
async fn a_stale_runner_changes_nothing() {
    let world = World::start().await;
    let [buyer, seller, product, _] = ids();
    let asked = purchase("paid", buyer, one_piece(product, seller));
    world.withdraw(withdrawal("paid")).await.unwrap();
    assert_eq!(code(world.create(asked.clone()).await), Code::StaleEpoch);

    let mut newer = purchase("kept", buyer, one_piece(product, seller));
    newer.operation = operation("kept", "create", 3);
    world.created(newer).await;
    let stale = withdrawal("kept");
    assert_eq!(code(world.withdraw(stale).await), Code::StaleEpoch);
    assert_eq!(world.stored_of("kept").await, 1);
    assert_eq!(world.count_of(product).await, 1);
}

#[tokio::test]
async fn a_withdrawal_names_its_operation_and_its_checkout() {
    let world = World::start().await;
    let fine = withdrawal("paid");
    let mut anonymous = fine.clone();
    anonymous.operation = None;
    let mut pointless = fine;
    pointless.checkout_id = String::new();
    for (wrong, field) in [(anonymous, "operation"), (pointless, "checkoutId")] {
        let refused = world.withdraw(wrong).await.unwrap_err();
        assert_eq!(refused.code, Code::ValidationFailed);
        assert_eq!(refused.fields[0].field, field);
    }
}

fn ids<const N: usize>() -> [ObjectId; N] {
    std::array::from_fn(|_| ObjectId::new())
}
