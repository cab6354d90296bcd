use bson::{Document, doc};
use futures::future::join_all;
use futures::{TryStreamExt as _, join};
use reen_error::Code;
use reen_proto::products::v1::{ProductChange, ReserveStockRequest};
use reen_testkit::{body, code, own_operation};

use super::support::{Shop, new_price, new_quantity, reservation, unique};

#[tokio::test(flavor = "multi_thread")]
async fn fifty_buyers_of_ten_pieces_get_ten() {
    let shop = Shop::open().await;
    let shirt = shop.stock(10).await;
    let buyers = (0..50).map(async |_| shop.reserve(&unique("hold"), &[(&shirt, 1)]).await);
    let (served, refused): (Vec<_>, Vec<_>) =
        join_all(buyers).await.into_iter().partition(Result::is_ok);
    assert_eq!(served.len(), 10);
    for each in refused {
        assert_eq!(code(each), Code::InsufficientStock);
    }
    assert_eq!(shop.piles(&shirt).await, (0, 10, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn opposite_orders_of_the_same_products_do_not_block_each_other() {
    let shop = Shop::open().await;
    let shirt = shop.stock(40).await;
    let hat = shop.stock(40).await;
    let buyers = (0..40).map(async |buyer| {
        let mut lines = [(&shirt, 1), (&hat, 1)];
        if buyer % 2 == 0 {
            lines.reverse();
        }
        body(shop.reserve(&unique("hold"), &lines).await)
    });
    join_all(buyers).await;
    assert_eq!(shop.piles(&shirt).await, (0, 40, 0));
    assert_eq!(shop.piles(&hat).await, (0, 40, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_reservation_at_the_same_time_is_one() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let repeats = (0..10).map(async |_| body(shop.reserve("hold", &[(&shirt, 5)]).await));
    let answers = join_all(repeats).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(shop.piles(&shirt).await, (0, 5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_hold_wanted_by_many_operations_is_one() {
    let shop = Shop::open().await;
    let shirt = shop.stock(10).await;
    let rivals = (0..10).map(async |rival| {
        let request = ReserveStockRequest {
            operation: own_operation(&format!("rival-{rival}")),
            ..reservation("hold", &[(&shirt, 1)])
        };
        shop.client("checkout").reserve_stock(request).await
    });
    let (won, lost): (Vec<_>, Vec<_>) = join_all(rivals).await.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    for each in lost {
        assert_eq!(code(each), Code::ValidationFailed);
    }
    assert_eq!(shop.piles(&shirt).await, (9, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_either_sold_or_released() {
    let shop = Shop::open().await;
    for _each in 0..10 {
        let shirt = shop.stock(1).await;
        let hold = shop.hold(&shirt, 1).await;
        let (sold, released) = join!(shop.commit(&hold), shop.release(&hold));
        match (sold, released) {
            (Ok(_), released) => {
                assert_eq!(code(released), Code::HoldCommitted);
                assert_eq!(shop.piles(&shirt).await, (0, 0, 1));
            }
            (sold, Ok(_)) => {
                assert_eq!(code(sold), Code::HoldGone);
                assert_eq!(shop.piles(&shirt).await, (1, 0, 0));
            }
            neither => panic!("{neither:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_and_its_repeats_race_with_buyers() {
    let shop = Shop::open().await;
    for _each in 0..10 {
        let shirt = shop.stock(1).await;
        let hold = unique("hold");
        let lines = [(&shirt, 1)];
        let (reserved, removed, again) = join!(
            shop.reserve(&hold, &lines),
            shop.remove(&shirt),
            shop.remove(&shirt)
        );
        assert!(removed.is_ok() || again.is_ok());
        if reserved.is_ok() {
            assert_eq!(shop.piles(&shirt).await, (0, 1, 0));
        } else {
            assert!(shop.stored(&shirt).await.is_none());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_lose_no_reservation_and_no_fee() {
    let shop = Shop::open().await;
    let shirt = shop.list("Shirt", 1_000, 100).await;
    let prices = (1..=5).map(async |n| {
        shop.update(new_price(&shirt, 1_000 + n * 100))
            .await
            .is_ok()
    });
    let stocks = (1..=5).map(async |n| shop.update(new_quantity(&shirt, 100 + n)).await.is_ok());
    let buyers = (0..20).map(async |_| shop.reserve(&unique("hold"), &[(&shirt, 1)]).await);
    let (_prices, _stocks, reserved) = join!(join_all(prices), join_all(stocks), join_all(buyers));
    assert!(reserved.iter().all(Result::is_ok));
    let (_available, held, sold) = shop.piles(&shirt).await;
    assert_eq!((held, sold), (20, 0));
    assert_eq!(shop.ledger.taken(), settled_fees(&shop).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_loses_every_race_is_told_so_and_not_charged() {
    let shop = Shop::open().await;
    let shirt = shop.list("Shirt", 1_000, 100).await;
    let changes = (0..30).map(async |n| shop.update(new_price(&shirt, 2_000 + n)).await);
    for outcome in join_all(changes).await {
        if outcome.is_err() {
            assert_eq!(code(outcome), Code::VersionMismatch);
        }
    }
    assert_eq!(shop.ledger.taken(), settled_fees(&shop).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_changed_once() {
    let shop = Shop::open().await;
    let shirt = shop.list("Shirt", 1_000, 10).await;
    let changes = (1..=10).map(async |n| {
        let change = ProductChange {
            expected_version: Some(shirt.version),
            ..new_price(&shirt, 1_000 + n * 100)
        };
        shop.update(change).await
    });
    let (made, refused): (Vec<_>, Vec<_>) =
        join_all(changes).await.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for each in refused {
        assert_eq!(code(each), Code::PreconditionFailed);
    }
    assert_eq!(shop.ledger.taken(), settled_fees(&shop).await);
}

async fn settled_fees(shop: &Shop) -> i64 {
    let fees = shop.database.collection::<Document>("listing_fees");
    let settled = fees.find(doc! {"state": "settled"}).await.unwrap();
    let settled: Vec<Document> = settled.try_collect().await.unwrap();
    let amounts = settled
        .iter()
        .map(|fee| fee.get_i64("amountCents").unwrap());
    amounts.sum()
}
