use bson::doc;
use futures::future::join_all;
use reen_error::Code;

use crate::support::{
    Auth, STARTING_CENTS, check_books, fee, fee_reversal, persistently, sale, sale_reversal,
};

const BUYERS: i64 = 50;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_concurrent_sales_to_one_seller_are_each_posted_once() {
    let auth = Auth::start().await;
    let seller = auth.buyer("seller").await;
    let buyers = join_all((0..5).map(|number| {
        let auth = auth.clone();
        async move { auth.buyer(&format!("buyer{number}")).await }
    }))
    .await;
    let posting = (0..BUYERS).map(|number| {
        let mut sagas = auth.sagas();
        let buyer = &buyers[usize::try_from(number).unwrap() % buyers.len()];
        let sale = sale(&format!("sale-{number}"), buyer, &[(&seller, 100 + number)]);
        async move { persistently(async || sagas.post_sale(sale.clone()).await).await }
    });
    for posted in join_all(posting).await {
        posted.unwrap();
    }
    let gained: i64 = (0..BUYERS).map(|number| 100 + number).sum();
    assert_eq!(
        auth.sums(&seller).await,
        (STARTING_CENTS + gained, gained, 0)
    );
    let sales = auth.postings().count_documents(doc! {"kind": "sale"}).await;
    assert_eq!(sales.unwrap(), BUYERS.unsigned_abs());
    check_books(&auth.database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sale_from_many_runners_is_posted_once() {
    let auth = Auth::start().await;
    let (buyer, seller) = (auth.buyer("ada").await, auth.buyer("eve").await);
    let posting = (0..10).map(|_| {
        let mut sagas = auth.sagas();
        let sale = sale("sale", &buyer, &[(&seller, 800)]);
        async move { persistently(async || sagas.post_sale(sale.clone()).await).await }
    });
    for posted in join_all(posting).await {
        posted.unwrap();
    }
    assert_eq!(auth.sums(&seller).await, (STARTING_CENTS + 800, 800, 0));
    assert_eq!(auth.sums(&buyer).await, (STARTING_CENTS - 800, 0, 800));
    check_books(&auth.database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doing_and_undoing_at_once_leave_nothing_behind() {
    let auth = Auth::start().await;
    let (buyer, seller) = (auth.buyer("ada").await, auth.buyer("eve").await);
    for round in 0..10 {
        let (sale_id, fee_id) = (format!("sale-{round}"), format!("fee-{round}"));
        let (mut sagas, mut undoing_sagas) = (auth.sagas(), auth.sagas());
        let (mut products, mut undoing_products) = (auth.products(), auth.products());
        let outcomes = tokio::join!(
            sagas.post_sale(sale(&sale_id, &buyer, &[(&seller, 800)])),
            undoing_sagas.reverse_sale(sale_reversal(&sale_id)),
            products.charge_fee(fee(&fee_id, &buyer, 40)),
            undoing_products.reverse_fee(fee_reversal(&fee_id)),
        );
        outcomes.1.unwrap();
        outcomes.3.unwrap();
        for done in [outcomes.0.err(), outcomes.2.err()].into_iter().flatten() {
            let failure = reen_error::Failure::from(done);
            assert_eq!(failure.code, Code::OperationVoided);
        }
    }
    for id in [&buyer, &seller] {
        assert_eq!(auth.sums(id).await, (STARTING_CENTS, 0, 0));
    }
    check_books(&auth.database).await;
}
