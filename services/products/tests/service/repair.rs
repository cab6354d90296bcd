use std::pin::pin;

use bson::oid::ObjectId;
use bson::{Document, doc};
use reen_error::Code;
use reen_proto::products::v1::{
    Product, RepairStockRequest, RepairStockResponse, StockCounts, StockDifference,
};
use reen_testkit::{body, code};

use super::support::Shop;

async fn repair(shop: &Shop, dry_run: bool) -> RepairStockResponse {
    body(
        shop.client("reen")
            .repair_stock(RepairStockRequest { dry_run })
            .await,
    )
}

/// Past the validator that keeps the law.
async fn damage(shop: &Shop, product: &Product, update: Document) {
    let products = shop.database.collection::<Document>("products");
    let this = doc! {"_id": ObjectId::parse_str(&product.id).unwrap()};
    let updating = products.update_one(this, update);
    let updated = updating.bypass_document_validation(true).await.unwrap();
    assert_eq!(updated.modified_count, 1);
}

fn counts([available, held, sold, stocked]: [i64; 4]) -> Option<StockCounts> {
    Some(StockCounts {
        available,
        held,
        sold,
        stocked,
    })
}

#[tokio::test]
async fn stock_that_is_right_stays_as_it_is() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hat = shop.stock(3).await;
    let sold = shop.hold(&shirt, 2).await;
    body(shop.commit(&sold).await);
    shop.hold(&shirt, 1).await;
    let released = shop.hold(&hat, 1).await;
    body(shop.release(&released).await);
    let before = shop.stored(&shirt).await;
    let compared = repair(&shop, false).await;
    assert_eq!((compared.products, compared.differences), (2, vec![]));
    assert_eq!(shop.stored(&shirt).await, before);
}

#[tokio::test]
async fn what_differs_is_shown_and_then_set_right() {
    let shop = Shop::open().await;
    let (shirt, hat) = (shop.stock(5).await, shop.stock(3).await);
    let sold = shop.hold(&shirt, 2).await;
    body(shop.commit(&sold).await);
    body(shop.reserve("both", &[(&shirt, 1), (&hat, 1)]).await);
    // A piece that nobody holds, and a sale that was not counted.
    damage(
        &shop,
        &shirt,
        doc! {"$inc": {"quantity": -1_i64, "held": 1_i64}},
    )
    .await;
    damage(
        &shop,
        &hat,
        doc! {"$set": {"held": 0_i64, "stocked": 0_i64, "quantity": 0_i64}},
    )
    .await;
    let difference = |product: &Product, counted, expected, repaired| StockDifference {
        product_id: product.id.clone(),
        counted: counts(counted),
        expected: counts(expected),
        repaired,
    };
    let differences = |repaired| {
        let mut both = vec![
            difference(&shirt, [1, 2, 2, 5], [2, 1, 2, 5], repaired),
            difference(&hat, [0, 0, 0, 0], [0, 1, 0, 1], repaired),
        ];
        both.sort_by(|one, other| one.product_id.cmp(&other.product_id));
        both
    };

    for _dry_run in 0..2 {
        assert_eq!(repair(&shop, true).await.differences, differences(false));
    }
    assert_eq!(repair(&shop, false).await.differences, differences(true));
    assert_eq!(repair(&shop, false).await.differences, []);
    assert_eq!(shop.piles(&shirt).await, (2, 1, 2));
    assert_eq!(shop.piles(&hat).await, (0, 1, 0));
    // What everybody sees has changed.
    let stored = shop.stored(&shirt).await.unwrap();
    assert!(stored.get_i64("version").unwrap() > shirt.version);
}

#[tokio::test]
async fn a_repair_while_everybody_buys_takes_nothing_from_anybody() {
    let shop = Shop::open().await;
    let shirt = shop.stock(40).await;
    damage(
        &shop,
        &shirt,
        doc! {"$inc": {"quantity": -5_i64, "held": 5_i64}},
    )
    .await;
    let buying = futures::future::join_all((0..20).map(async |_| {
        let hold = shop.hold(&shirt, 1).await;
        body(shop.commit(&hold).await);
    }));
    let repairing = futures::future::join_all((0..4).map(async |_| repair(&shop, false).await));
    let (_, repaired) = futures::join!(buying, repairing);
    let repairs = repaired.iter().map(|each| each.differences.len());
    assert_eq!(repairs.sum::<usize>(), 1, "{repaired:?}");
    assert_eq!(shop.piles(&shirt).await, (20, 0, 20));
}

#[tokio::test]
async fn nothing_differs_that_is_merely_on_its_way() {
    let shop = Shop::open().await;
    let shirt = shop.stock(40).await;
    let holding = futures::future::join_all((0..4).map(async |_| {
        for n in 0..10 {
            let hold = shop.hold(&shirt, 1).await;
            if n % 2 == 0 {
                body(shop.commit(&hold).await);
            } else {
                body(shop.release(&hold).await);
            }
        }
    }));
    let mut holding = pin!(holding);
    let mut compared = 0;
    loop {
        tokio::select! {
            _ = &mut holding => break,
            found = repair(&shop, true) => assert_eq!(found.differences, []),
        }
        compared += 1;
    }
    assert!(compared > 0, "it was over before anything was compared");
    assert_eq!(shop.piles(&shirt).await, (20, 0, 20));
}

#[tokio::test]
async fn only_operators_repair() {
    let shop = Shop::open().await;
    for stranger in ["checkout", "events-handler", "orders", "auth"] {
        let asked = RepairStockRequest { dry_run: true };
        let refused = shop.client(stranger).repair_stock(asked).await;
        assert_eq!(code(refused), Code::UnknownCaller, "{stranger}");
    }
}
