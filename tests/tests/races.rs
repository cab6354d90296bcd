//! Many at once: nobody gets what is not there, and nobody pays for nothing.

use futures::future::join_all;
use reen_tests::{Mesh, assert_invariants};

const BUYERS: usize = 50;
const PIECES: i64 = 10;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_buyers_of_ten_pieces_make_exactly_ten_orders() {
    let mesh = Mesh::start().await;
    let seller = mesh.seller().await;
    let product = seller.list_product("25", PIECES).await;
    let mut buyers = Vec::with_capacity(BUYERS);
    for _ in 0..BUYERS {
        buyers.push(mesh.buyer().await);
    }
    join_all(
        buyers
            .iter()
            .map(async |buyer| buyer.add_to_cart(&product, 1).await.ok()),
    )
    .await;

    let outcomes = join_all(buyers.iter().map(async |buyer| {
        let opened = buyer.open_checkout().await;
        if opened.status >= 300 {
            assert_eq!((opened.status, opened.code()), (409, "insufficient_stock"));
            return 0;
        }
        let checkout = opened.ok();
        buyer.pay(&checkout).await.ok();
        buyer.checkout_in(&checkout, "completed").await;
        1
    }))
    .await;

    assert_eq!(outcomes.into_iter().sum::<i64>(), PIECES);
    let seen = seller.sees_ordered(&product, PIECES).await;
    assert_eq!(seen["quantity"], 0);
    assert_invariants(&mesh).await;
}
