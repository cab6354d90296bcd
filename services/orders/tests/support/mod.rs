//! The service on a fresh database, and the processes that call it.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a test harness fails by panicking")]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bson::oid::ObjectId;
use bson::{Document, doc};
use reen_chassis::client::PeerChannel;
use reen_error::{Code, Failure};
use reen_mongo::Database;
use reen_orders::{App, Config, NAME};
use reen_proto::operation::v1::Operation;
use reen_proto::orders::v1 as proto;
use reen_proto::orders::v1::orders_client::OrdersClient;
use reen_proto::paging::v1::{Keyset, Position};
use reen_testkit::{
    ANYWHERE, TestBroker, TestDatabase, acting_for, eventually, identity, in_background, peer,
    saga_operation, settled,
};
use tokio_util::sync::DropGuard;

/// More orders than any of these tests makes.
pub(crate) const ALL: i32 = 1_000;

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) database: Database,
    pub(crate) broker: TestBroker,
    _running: DropGuard,
    _fresh: TestDatabase,
}

impl World {
    pub(crate) async fn start() -> Self {
        let fresh = TestDatabase::fresh();
        let broker = TestBroker::fresh().await;
        let config = Config {
            listen: ANYWHERE,
            database_url: fresh.url(),
            migrate_at_start: true,
            broker_url: broker.url(),
            identity: identity(NAME),
        };
        let app = App::build(config).await.unwrap();
        let address = app.address().unwrap();
        Self {
            address,
            database: fresh.open().await,
            broker,
            _running: in_background(|stop| app.run(stop)),
            _fresh: fresh,
        }
    }

    /// A client in the process `name`.
    pub(crate) fn caller(&self, name: &'static str) -> OrdersClient<PeerChannel> {
        OrdersClient::new(peer(name, NAME, self.address))
    }

    pub(crate) async fn create(
        &self,
        order: proto::CreateOrderRequest,
    ) -> Result<proto::Order, Failure> {
        let mut sagas = self.caller("events-handler");
        insisting(async || settled(sagas.create_order(order.clone()).await)).await
    }

    /// Creates an order that cannot be refused.
    pub(crate) async fn created(&self, order: proto::CreateOrderRequest) -> proto::Order {
        self.create(order).await.unwrap()
    }

    pub(crate) async fn withdraw(
        &self,
        withdrawal: proto::WithdrawOrderRequest,
    ) -> Result<(), Failure> {
        let mut sagas = self.caller("events-handler");
        insisting(async || settled(sagas.withdraw_order(withdrawal.clone()).await).map(|_| ()))
            .await
    }

    pub(crate) async fn list(
        &self,
        user: ObjectId,
        limit: i32,
        skip: i64,
    ) -> Result<proto::ListOrdersResponse, Failure> {
        let mut gateway = self.caller("gateway");
        let asked = proto::ListOrdersRequest {
            limit,
            skip,
            keyset: None,
        };
        settled(acting_for(user, gateway.list_orders(asked)).await)
    }

    /// Two of a user's orders, from behind where another page ended.
    pub(crate) async fn list_behind(
        &self,
        user: ObjectId,
        after: Option<Position>,
    ) -> Result<proto::ListOrdersResponse, Failure> {
        let mut gateway = self.caller("gateway");
        let asked = proto::ListOrdersRequest {
            limit: 2,
            skip: 0,
            keyset: Some(Keyset { after }),
        };
        settled(acting_for(user, gateway.list_orders(asked)).await)
    }

    /// The orders of two of a seller's sales, from behind where another page ended.
    pub(crate) async fn sales_behind(
        &self,
        seller: ObjectId,
        after: Option<Position>,
    ) -> Result<proto::ListSalesResponse, Failure> {
        let mut gateway = self.caller("gateway");
        let asked = proto::ListSalesRequest {
            limit: 2,
            skip: 0,
            keyset: Some(Keyset { after }),
        };
        settled(acting_for(seller, gateway.list_sales(asked)).await)
    }

    pub(crate) async fn get(&self, user: ObjectId, id: &str) -> Result<proto::Order, Failure> {
        let mut gateway = self.caller("gateway");
        let asked = proto::GetOrderRequest { id: id.to_owned() };
        settled(acting_for(user, gateway.get_order(asked)).await)
    }

    /// Reads an order that is there.
    pub(crate) async fn read(&self, user: ObjectId, id: &str) -> proto::Order {
        self.get(user, id).await.unwrap()
    }

    pub(crate) async fn sales(
        &self,
        seller: ObjectId,
        limit: i32,
        skip: i64,
    ) -> Result<proto::ListSalesResponse, Failure> {
        let mut gateway = self.caller("gateway");
        let asked = proto::ListSalesRequest {
            limit,
            skip,
            keyset: None,
        };
        settled(acting_for(seller, gateway.list_sales(asked)).await)
    }

    pub(crate) async fn change_status(
        &self,
        seller: ObjectId,
        id: &str,
        status: proto::Status,
    ) -> Result<proto::Order, Failure> {
        let mut gateway = self.caller("gateway");
        let asked = proto::ChangeStatusRequest {
            id: id.to_owned(),
            status: status.into(),
        };
        settled(acting_for(seller, gateway.change_status(asked)).await)
    }

    pub(crate) async fn count(
        &self,
        product_ids: Vec<String>,
    ) -> Result<BTreeMap<String, i64>, Failure> {
        let asked = proto::CountOrdersRequest { product_ids };
        let answer = settled(self.caller("products").count_orders(asked).await)?;
        let counts = answer.counts.into_iter();
        Ok(counts
            .map(|count| (count.product_id, count.orders))
            .collect())
    }

    /// In how many orders one product is.
    pub(crate) async fn count_of(&self, product: ObjectId) -> i64 {
        let counts = self.count(vec![product.to_hex()]).await.unwrap();
        counts.get(&product.to_hex()).copied().unwrap_or_default()
    }

    /// How many orders are stored that have these fields.
    pub(crate) async fn stored(&self, filter: Document) -> u64 {
        let orders = self.database.collection::<Document>("orders");
        orders.count_documents(filter).await.unwrap()
    }

    pub(crate) async fn stored_of(&self, checkout: &str) -> u64 {
        self.stored(doc! {"checkoutId": checkout}).await
    }
}

/// Repeats a call that took too long, as a saga does, until it is settled. Many who race on a busy
/// machine may need more than one deadline.
async fn insisting<T>(mut call: impl AsyncFnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    eventually("a call to be settled", async || match call().await {
        Err(late) if late.code == Code::DeadlineExceeded => None,
        settled => Some(settled),
    })
    .await
}

pub(crate) fn line(
    product: ObjectId,
    seller: ObjectId,
    unit_price_cents: i64,
    quantity: i64,
) -> proto::NewLine {
    proto::NewLine {
        product_id: product.to_hex(),
        name: format!("Product {product}"),
        seller_id: seller.to_hex(),
        unit_price_cents,
        quantity,
        image_url: format!("https://img.example/{product}.png"),
    }
}

/// One piece of one product for 10.00.
pub(crate) fn one_piece(product: ObjectId, seller: ObjectId) -> Vec<proto::NewLine> {
    vec![line(product, seller, 1_000, 1)]
}

/// What the saga of this checkout asks for once it was paid.
pub(crate) fn purchase(
    checkout: &str,
    buyer: ObjectId,
    lines: Vec<proto::NewLine>,
) -> proto::CreateOrderRequest {
    proto::CreateOrderRequest {
        operation: operation(checkout, "create", 1),
        checkout_id: checkout.to_owned(),
        user_id: buyer.to_hex(),
        total_cents: lines
            .iter()
            .map(|line| line.unit_price_cents.saturating_mul(line.quantity))
            .fold(0, i64::saturating_add),
        lines,
    }
}

/// What the saga of this checkout asks for when it turns around.
pub(crate) fn withdrawal(checkout: &str) -> proto::WithdrawOrderRequest {
    proto::WithdrawOrderRequest {
        operation: operation(checkout, "withdraw", 2),
        checkout_id: checkout.to_owned(),
    }
}

/// An effect of the saga of this checkout.
pub(crate) fn operation(checkout: &str, effect: &str, epoch: i64) -> Option<Operation> {
    let saga = format!("order-completed:{checkout}");
    saga_operation(format!("{saga}/{effect}"), saga, epoch)
}
