//! What buyers and sellers see of orders, and how often products were ordered.

mod support;

use std::collections::BTreeMap;

use bson::oid::ObjectId;
use reen_error::Code;
use reen_proto::orders::v1::{Order, Sale};
use reen_proto::paging::v1::Position;
use reen_testkit::code;

use support::{ALL, World, line, one_piece, purchase, withdrawal};

#[tokio::test]
async fn a_buyer_sees_his_own_orders_newest_first() {
    let world = World::start().await;
    let (buyer, another) = (ObjectId::new(), ObjectId::new());
    let mut ids = Vec::new();
    for checkout in ["first", "second", "third"] {
        let order = purchase(checkout, buyer, something());
        ids.insert(0, world.created(order).await.id);
    }
    world
        .created(purchase("another's", another, something()))
        .await;
    let history = world.list(buyer, ALL, 0).await.unwrap();
    assert_eq!(history.total, 3);
    assert_eq!(order_ids(&history.orders), ids);
    let nothing = world.list(ObjectId::new(), ALL, 0).await.unwrap();
    assert_eq!((nothing.orders.len(), nothing.total), (0, 0));
}

#[tokio::test]
async fn a_history_is_read_page_by_page() {
    let world = World::start().await;
    let buyer = ObjectId::new();
    for each in 0..5 {
        world
            .created(purchase(&format!("paid-{each}"), buyer, something()))
            .await;
    }
    let all = order_ids(&world.list(buyer, ALL, 0).await.unwrap().orders);
    let mut read = Vec::new();
    for skip in [0, 2, 4, 6] {
        let page = world.list(buyer, 2, skip).await.unwrap();
        assert_eq!(page.total, 5);
        read.extend(order_ids(&page.orders));
    }
    assert_eq!(read, all);
}

#[tokio::test]
async fn a_history_is_read_from_where_a_page_ended() {
    let world = World::start().await;
    let buyer = ObjectId::new();
    for each in 0..5 {
        let order = purchase(&format!("paid-{each}"), buyer, something());
        world.created(order).await;
    }
    let all = order_ids(&world.list(buyer, ALL, 0).await.unwrap().orders);
    let (mut read, mut after) = (Vec::new(), None);
    for expected in [2, 2, 1] {
        let page = world.list_behind(buyer, after).await.unwrap();
        assert_eq!((page.orders.len(), page.total), (expected, 0));
        read.extend(order_ids(&page.orders));
        // What comes meanwhile is newer than what is read.
        let newer = purchase(
            &format!("while-{expected}-{}", read.len()),
            buyer,
            something(),
        );
        world.created(newer).await;
        after = page.next;
    }
    assert_eq!((read, after), (all, None));
    let nobody = Position {
        id: "no id".to_owned(),
        key: None,
    };
    let refused = world.list_behind(buyer, Some(nobody)).await.unwrap_err();
    assert_eq!(refused.fields[0].field, "after");
}

#[tokio::test]
async fn sales_are_read_from_where_a_page_of_orders_ended() {
    let world = World::start().await;
    let seller = ObjectId::new();
    for each in 0..3 {
        let lines = [(); 2]
            .map(|()| line(ObjectId::new(), seller, 1_000, 1))
            .to_vec();
        let order = purchase(&format!("paid-{each}"), ObjectId::new(), lines);
        world.created(order).await;
    }
    let first = world.sales_behind(seller, None).await.unwrap();
    assert_eq!(first.sales.len(), 4);
    let rest = world.sales_behind(seller, first.next).await.unwrap();
    assert_eq!((rest.sales.len(), rest.next), (2, None));
}

#[tokio::test]
async fn an_absurd_page_is_refused_or_empty() {
    let world = World::start().await;
    let user = ObjectId::new();
    world.created(purchase("paid", user, something())).await;
    for (limit, skip, field) in [
        (0, 0, "limit"),
        (1_001, 0, "limit"),
        (-1, 0, "limit"),
        (1, -1, "skip"),
    ] {
        for refused in [
            world.list(user, limit, skip).await.unwrap_err(),
            world.sales(user, limit, skip).await.unwrap_err(),
        ] {
            assert_eq!(refused.code, Code::ValidationFailed);
            assert_eq!(refused.fields[0].field, field);
        }
    }
    let beyond = world.list(user, ALL, i64::MAX).await.unwrap();
    assert_eq!((beyond.orders.len(), beyond.total), (0, 1));
    assert!(
        world
            .sales(user, ALL, i64::MAX)
            .await
            .unwrap()
            .sales
            .is_empty()
    );
}

#[tokio::test]
async fn an_order_is_not_found_for_anybody_but_its_buyer() {
    let world = World::start().await;
    let (buyer, seller) = (ObjectId::new(), ObjectId::new());
    let bought = purchase("paid", buyer, one_piece(ObjectId::new(), seller));
    let order = world.created(bought).await;
    assert_eq!(world.get(buyer, &order.id).await.unwrap(), order);
    for stranger in [seller, ObjectId::new()] {
        assert_eq!(code(world.get(stranger, &order.id).await), Code::NotFound);
    }
    for nobodys in [&*ObjectId::new().to_hex(), "not an id", ""] {
        assert_eq!(code(world.get(buyer, nobodys).await), Code::NotFound);
    }
}

#[tokio::test]
async fn a_seller_sees_his_own_lines_of_the_orders_of_others() {
    let world = World::start().await;
    let (seller, another, buyer) = (ObjectId::new(), ObjectId::new(), ObjectId::new());
    let (lamp, desk, bed) = (ObjectId::new(), ObjectId::new(), ObjectId::new());
    let older = vec![
        line(lamp, seller, 1_000, 2),
        line(bed, another, 50_000, 1),
        line(desk, seller, 7_000, 1),
    ];
    let older = world.created(purchase("older", buyer, older)).await;
    let newer = world
        .created(purchase("newer", buyer, one_piece(lamp, seller)))
        .await;
    world
        .created(purchase("another's", buyer, one_piece(bed, another)))
        .await;
    world
        .created(purchase("his own", seller, one_piece(lamp, seller)))
        .await;

    let sales = world.sales(seller, ALL, 0).await.unwrap();
    assert_eq!(sales.total_orders, 2);
    let seen: Vec<_> = sales.sales.iter().map(of_order_and_product).collect();
    let expected = [(&newer, lamp), (&older, lamp), (&older, desk)]
        .map(|(order, product)| (order.id.clone(), product.to_hex()));
    assert_eq!(seen, expected);
    let first = &sales.sales[1];
    assert_eq!(first.buyer_id, buyer.to_hex());
    assert_eq!(first.created_at, older.created_at);
    assert_eq!(first.status, older.status);
    assert_eq!(first.line.as_ref(), Some(&older.lines[0]));
}

#[tokio::test]
async fn sales_are_paged_by_orders() {
    let world = World::start().await;
    let (seller, buyer) = (ObjectId::new(), ObjectId::new());
    let mut orders = Vec::new();
    for each in 0..3 {
        let lines = [1, 2].map(|pieces| line(ObjectId::new(), seller, 100, pieces));
        let order = purchase(&format!("paid-{each}"), buyer, lines.into());
        orders.insert(0, world.created(order).await.id);
    }
    for (skip, on_it) in [(0, &orders[..2]), (2, &orders[2..]), (4, &[])] {
        let page = world.sales(seller, 2, skip).await.unwrap();
        assert_eq!(page.total_orders, 3);
        let seen: Vec<_> = page.sales.iter().map(|sale| &sale.order_id).collect();
        let expected: Vec<_> = on_it.iter().flat_map(|id| [id, id]).collect();
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn orders_of_products_are_counted_in_one_call() {
    let world = World::start().await;
    let (buyer, seller) = (ObjectId::new(), ObjectId::new());
    let (lamp, desk, withdrawn, never) = (
        ObjectId::new(),
        ObjectId::new(),
        ObjectId::new(),
        ObjectId::new(),
    );
    for (checkout, products) in [
        ("a", vec![lamp, desk]),
        ("b", vec![lamp]),
        ("c", vec![withdrawn]),
    ] {
        let lines = products
            .into_iter()
            .map(|product| line(product, seller, 100, 3));
        world
            .created(purchase(checkout, buyer, lines.collect()))
            .await;
    }
    world.withdraw(withdrawal("c")).await.unwrap();
    let asked = [lamp, desk, withdrawn, never, lamp].map(|product| product.to_hex());
    let counts = world.count(asked.into()).await.unwrap();
    let expected = BTreeMap::from([(lamp.to_hex(), 2), (desk.to_hex(), 1)]);
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn a_thousand_products_are_counted_and_no_more() {
    let world = World::start().await;
    let asked = |products: usize| vec![ObjectId::new().to_hex(); products];
    assert!(world.count(asked(1_000)).await.unwrap().is_empty());
    assert!(world.count(Vec::new()).await.unwrap().is_empty());
    assert!(
        world
            .count(vec!["lamp".to_owned()])
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        code(world.count(asked(1_001)).await),
        Code::ValidationFailed
    );
}

fn something() -> Vec<reen_proto::orders::v1::NewLine> {
    one_piece(ObjectId::new(), ObjectId::new())
}

fn order_ids(orders: &[Order]) -> Vec<String> {
    orders.iter().map(|order| order.id.clone()).collect()
}

fn of_order_and_product(sale: &Sale) -> (String, String) {
    let product = sale.line.as_ref().map(|line| line.product_id.clone());
    (sale.order_id.clone(), product.unwrap_or_default())
}
