//! What is announced: every change that shows, and nothing that does not; and that the broker is needed
//! for nothing else.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use reen_messaging::{Heard, Hearing, Topic};
use reen_proto::events::PRODUCTS_CHANGED;
use reen_proto::events::v1::ProductsChanged;
use reen_proto::products::v1::{Product, RemoveProductsRequest, WithdrawCatalogueRequest};
use reen_testkit::{TestBroker, acting_for, body, eventually, in_background, own_operation};
use tokio_util::sync::DropGuard;

use crate::support::{Shop, new_price, new_quantity};

/// The products of which it heard since it was asked last.
#[derive(Clone, Default)]
struct Ear {
    began: Arc<Mutex<bool>>,
    changed: Arc<Mutex<HashSet<String>>>,
}

impl Ear {
    async fn listening(vhost: &TestBroker) -> (Self, DropGuard) {
        let ear = Self::default();
        let (broker, hearing) = (vhost.open().await, ear.clone());
        let topic = Topic {
            name: PRODUCTS_CHANGED,
        };
        let listening = |stop| async move { broker.listen(topic, &hearing, stop).await };
        let listening = in_background(listening);
        eventually("listening", async || {
            ear.began.lock().unwrap().then_some(())
        })
        .await;
        (ear, listening)
    }

    async fn hears_of(&self, product: &Product, what: &str) {
        eventually(what, async || {
            self.changed
                .lock()
                .unwrap()
                .remove(&product.id)
                .then_some(())
        })
        .await;
    }

    fn has_heard_of(&self, product: &Product) -> bool {
        self.changed.lock().unwrap().contains(&product.id)
    }
}

#[tonic::async_trait]
impl Hearing for Ear {
    async fn hear(&self, heard: Heard) {
        match heard {
            Heard::Beginning => *self.began.lock().unwrap() = true,
            Heard::News(news) => {
                let ids = news.decode::<ProductsChanged>().unwrap().ids;
                self.changed.lock().unwrap().extend(ids);
            }
        }
    }
}

#[tokio::test]
async fn every_change_that_shows_is_announced() {
    let vhost = TestBroker::fresh().await;
    let shop = Shop::announcing(vhost.url()).await;
    let (ear, _listening) = Ear::listening(&vhost).await;
    let lamp = shop.list("Lamp", 1_000, 10).await;
    ear.hears_of(&lamp, "a listing").await;
    body(shop.update(new_price(&lamp, 900)).await);
    ear.hears_of(&lamp, "a new price").await;
    body(shop.update(new_quantity(&lamp, 50)).await);
    ear.hears_of(&lamp, "a new price that is paid for").await;
    let held = shop.hold(&lamp, 1).await;
    ear.hears_of(&lamp, "a hold").await;
    body(shop.release(&held).await);
    ear.hears_of(&lamp, "a release").await;
    let sold = shop.hold(&lamp, 1).await;
    ear.hears_of(&lamp, "another hold").await;
    body(shop.commit(&sold).await);
    body(shop.give_back(&sold).await);
    ear.hears_of(&lamp, "a return").await;
    body(shop.remove(&lamp).await);
    ear.hears_of(&lamp, "a removal").await;
}

#[tokio::test]
async fn removals_of_many_and_of_all_are_announced() {
    let vhost = TestBroker::fresh().await;
    let shop = Shop::announcing(vhost.url()).await;
    let [one, other, third] = [
        shop.stock(1).await,
        shop.stock(2).await,
        shop.stock(3).await,
    ];
    let (ear, _listening) = Ear::listening(&vhost).await;
    let request = RemoveProductsRequest {
        ids: vec![one.id.clone(), other.id.clone()],
    };
    body(acting_for(shop.seller, shop.gateway().remove_products(request)).await);
    ear.hears_of(&one, "one of two").await;
    ear.hears_of(&other, "the other").await;
    let request = WithdrawCatalogueRequest {
        operation: own_operation("withdraw"),
        seller_id: shop.seller.to_hex(),
    };
    let withdrawing = shop
        .client("events-handler")
        .withdraw_catalogue(request)
        .await;
    body(withdrawing);
    ear.hears_of(&third, "what was left").await;
}

#[tokio::test]
async fn what_nobody_sees_is_not_announced() {
    let vhost = TestBroker::fresh().await;
    let shop = Shop::announcing(vhost.url()).await;
    let [quiet, loud] = [shop.stock(5).await, shop.stock(5).await];
    let held = shop.hold(&quiet, 1).await;
    let (ear, _listening) = Ear::listening(&vhost).await;
    body(shop.update(new_price(&loud, 1)).await);
    ear.hears_of(&loud, "everything before").await;
    ear.changed.lock().unwrap().clear();
    body(shop.commit(&held).await);
    assert!(shop.reserve("too-much", &[(&quiet, 100)]).await.is_err());
    body(shop.update(new_price(&loud, 2)).await);
    ear.hears_of(&loud, "what came after").await;
    assert!(!ear.has_heard_of(&quiet));
}
