use bson::oid::ObjectId;
use bson::{Document, doc};
use reen_error::Code;
use reen_proto::products::v1::{WithdrawCatalogueRequest, WithdrawCatalogueResponse};
use reen_testkit::{body, code, own_operation, saga_operation};
use tonic::{Response, Status};

use super::support::{Shop, fields};

impl Shop {
    async fn withdraw(
        &self,
        operation: &str,
    ) -> Result<Response<WithdrawCatalogueResponse>, Status> {
        let request = WithdrawCatalogueRequest {
            operation: own_operation(operation),
            seller_id: self.seller.to_hex(),
        };
        let mut sagas = self.client("events-handler");
        sagas.withdraw_catalogue(request).await
    }

    /// Stores many products like one that is listed.
    async fn stock_many(&self, owner: ObjectId, count: usize) {
        let sample = self.stock(5).await;
        let mut sample = self.stored(&sample).await.unwrap();
        let copies = std::iter::repeat_with(|| {
            sample.extend(doc! {"_id": ObjectId::new(), "sellerId": owner});
            sample.clone()
        });
        let products = self.database.collection::<Document>("products");
        products.insert_many(copies.take(count)).await.unwrap();
    }
}

#[tokio::test]
async fn everything_of_the_seller_leaves() {
    let shop = Shop::open().await;
    let other = ObjectId::new();
    shop.stock_many(other, 3).await;
    shop.stock_many(shop.seller, 250).await;
    let sold = shop.stock(5).await;
    let hold = shop.hold(&sold, 1).await;
    body(shop.commit(&hold).await);
    body(shop.withdraw("leave").await);
    assert!(shop.is_handed_over(&sold).await);
    // That one, and the other seller's three.
    assert_eq!(shop.count().await, 4);
    assert!(shop.carts.calls().iter().all(|call| call.len() <= 1_000));
    assert!(shop.carts.have_lost(&sold.id));
    body(shop.withdraw("leave").await);
    assert_eq!(shop.count().await, 4);
}

#[tokio::test]
async fn a_withdrawal_goes_on_where_it_stopped() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    shop.carts.be_away(true);
    assert_eq!(code(shop.withdraw("leave").await), Code::Unavailable);
    assert!(shop.stored(&shirt).await.is_some());
    shop.carts.be_away(false);
    body(shop.withdraw("leave").await);
    assert!(shop.stored(&shirt).await.is_none());
}

#[tokio::test]
async fn what_has_no_seller_any_more_is_not_withdrawn_again() {
    let shop = Shop::open().await;
    let anonymous = ObjectId::parse_str("000000000000000000000001").unwrap();
    shop.stock_many(anonymous, 2).await;
    let request = WithdrawCatalogueRequest {
        operation: own_operation("leave"),
        seller_id: anonymous.to_hex(),
    };
    body(
        shop.client("events-handler")
            .withdraw_catalogue(request)
            .await,
    );
    assert_eq!(shop.count().await, 3);
}

#[tokio::test]
async fn a_stale_runner_withdraws_nothing() {
    let shop = Shop::open().await;
    let mut sagas = shop.client("events-handler");
    let request = |epoch| WithdrawCatalogueRequest {
        operation: saga_operation("leave", "saga", epoch),
        seller_id: shop.seller.to_hex(),
    };
    body(sagas.withdraw_catalogue(request(2)).await);
    let shirt = shop.stock(5).await;
    let stale = sagas.withdraw_catalogue(request(1)).await;
    assert_eq!(code(stale), Code::StaleEpoch);
    let stored = shop.stored(&shirt).await.unwrap();
    assert!(stored.get_bool("listed").unwrap());
}

#[tokio::test]
async fn only_sagas_withdraw() {
    let shop = Shop::open().await;
    let request = || WithdrawCatalogueRequest {
        operation: own_operation("leave"),
        seller_id: "me".to_owned(),
    };
    for caller in ["gateway", "checkout", "auth"] {
        let answer = shop.client(caller).withdraw_catalogue(request()).await;
        assert_eq!(code(answer), Code::UnknownCaller);
    }
    let mut sagas = shop.client("events-handler");
    let answer = sagas.withdraw_catalogue(request()).await;
    assert_eq!(fields(answer), ["sellerId"]);
}
