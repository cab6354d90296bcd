//! The service on a fresh database beside a catalogue whose stock tests set, and the processes that
//! call it.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a test harness fails by panicking")]

mod catalogue;

use std::net::SocketAddr;

use bson::oid::ObjectId;
use reen_cart_items::{App, Config, NAME};
use reen_chassis::client::PeerChannel;
use reen_error::{Code, Failure};
use reen_mongo::Database;
use reen_proto::cart_items::v1 as proto;
use reen_proto::cart_items::v1::cart_items_client::CartItemsClient;
use reen_proto::operation::v1::Operation;
use reen_testkit::{
    ANYWHERE, TestDatabase, acting_for, body, eventually, identity, in_background, peer, settled,
};
use tokio_util::sync::DropGuard;

pub(crate) use catalogue::Catalogue;

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) catalogue: Catalogue,
    pub(crate) database: Database,
    gateway: CartItemsClient<PeerChannel>,
    sagas: CartItemsClient<PeerChannel>,
    _running: DropGuard,
    _fresh: TestDatabase,
}

impl World {
    pub(crate) async fn start() -> Self {
        let fresh = TestDatabase::fresh();
        let catalogue = Catalogue::start().await;
        let config = Config {
            listen: ANYWHERE,
            database_url: fresh.url(),
            migrate_at_start: true,
            identity: identity(NAME),
            products: vec![catalogue.url()],
        };
        let app = App::build(config).await.unwrap();
        let address = app.address().unwrap();
        Self {
            address,
            catalogue,
            database: fresh.open().await,
            gateway: caller("gateway", address),
            sagas: caller("events-handler", address),
            _running: in_background(|stop| app.run(stop)),
            _fresh: fresh,
        }
    }

    pub(crate) async fn add(
        &self,
        user: ObjectId,
        product: ObjectId,
        quantity: i64,
    ) -> Result<proto::CartItem, Failure> {
        let asked = proto::AddItemRequest {
            product_id: product.to_hex(),
            quantity,
        };
        settled(acting_for(user, self.gateway.clone().add_item(asked)).await)
    }

    /// Adds pieces that cannot be refused.
    pub(crate) async fn added(
        &self,
        user: ObjectId,
        product: ObjectId,
        quantity: i64,
    ) -> proto::CartItem {
        self.add(user, product, quantity).await.unwrap()
    }

    /// A cart with so many products, all different.
    pub(crate) async fn fill(&self, user: ObjectId, lines: usize) {
        for _ in 0..lines {
            self.added(user, self.catalogue.product(10), 1).await;
        }
    }

    pub(crate) async fn list(&self, user: ObjectId) -> Vec<proto::CartItem> {
        let mut gateway = self.gateway.clone();
        let listing = gateway.list_items(proto::ListItemsRequest {});
        body(acting_for(user, listing).await).items
    }

    /// What is in the cart: products and pieces, oldest first.
    pub(crate) async fn cart(&self, user: ObjectId) -> Vec<(String, i64)> {
        let items = self.list(user).await.into_iter();
        items.map(|item| (item.product_id, item.quantity)).collect()
    }

    pub(crate) async fn get(&self, user: ObjectId, id: &str) -> Result<proto::CartItem, Failure> {
        let asked = proto::GetItemRequest { id: id.to_owned() };
        settled(acting_for(user, self.gateway.clone().get_item(asked)).await)
    }

    pub(crate) async fn change(
        &self,
        user: ObjectId,
        id: &str,
        quantity: i64,
    ) -> Result<proto::CartItem, Failure> {
        let asked = proto::ChangeQuantityRequest {
            id: id.to_owned(),
            quantity,
        };
        settled(acting_for(user, self.gateway.clone().change_quantity(asked)).await)
    }

    pub(crate) async fn remove(&self, user: ObjectId, id: &str) -> Result<(), Failure> {
        let asked = proto::RemoveItemRequest { id: id.to_owned() };
        settled(acting_for(user, self.gateway.clone().remove_item(asked)).await).map(|_| ())
    }

    pub(crate) async fn clear(&self, user: ObjectId) -> i64 {
        let mut gateway = self.gateway.clone();
        let clearing = gateway.clear_cart(proto::ClearCartRequest {});
        body(acting_for(user, clearing).await).removed
    }

    pub(crate) async fn remove_products(&self, product_ids: Vec<String>) -> Result<i64, Failure> {
        let asked = proto::RemoveProductsRequest { product_ids };
        let answer = caller("products", self.address)
            .remove_products(asked)
            .await;
        settled(answer).map(|answer| answer.removed)
    }

    pub(crate) async fn take_out(
        &self,
        operation: Operation,
        user: ObjectId,
        lines: &[(ObjectId, i64)],
    ) -> Result<(), Failure> {
        let asked = proto::TakeOutBoughtRequest {
            operation: Some(operation),
            user_id: user.to_hex(),
            lines: lines.iter().copied().map(bought).collect(),
        };
        let mut sagas = self.sagas.clone();
        insisting(async || settled(sagas.take_out_bought(asked.clone()).await).map(|_| ())).await
    }

    pub(crate) async fn put_back(
        &self,
        operation: Operation,
        taking: &Operation,
    ) -> Result<(), Failure> {
        let asked = proto::PutBackRequest {
            operation: Some(operation),
            take_operation_id: taking.id.clone(),
        };
        let mut sagas = self.sagas.clone();
        insisting(async || settled(sagas.put_back(asked.clone()).await).map(|_| ())).await
    }

    pub(crate) async fn empty(&self, operation: Operation, user: ObjectId) -> Result<(), Failure> {
        let asked = proto::EmptyCartRequest {
            operation: Some(operation),
            user_id: user.to_hex(),
        };
        let mut sagas = self.sagas.clone();
        insisting(async || settled(sagas.empty_cart(asked.clone()).await).map(|_| ())).await
    }
}

/// A client in the process `name`.
pub(crate) fn caller(name: &'static str, address: SocketAddr) -> CartItemsClient<PeerChannel> {
    CartItemsClient::new(peer(name, NAME, address))
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

pub(crate) fn bought((product, quantity): (ObjectId, i64)) -> proto::BoughtLine {
    proto::BoughtLine {
        product_id: product.to_hex(),
        quantity,
    }
}

/// An effect of a saga in its first epoch.
pub(crate) fn operation(saga: &str, effect: &str) -> Operation {
    in_epoch(1, saga, effect)
}

pub(crate) fn in_epoch(epoch: i64, saga: &str, effect: &str) -> Operation {
    Operation {
        id: format!("{saga}/{effect}"),
        saga: saga.to_owned(),
        epoch,
    }
}
