//! Three replicas of every service and two gateways: what each of them gets to do, and what a visitor
//! notices when they are killed one after the other.
#![expect(clippy::expect_used, reason = "helpers of a test fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::join_all;
use reen_chassis::client::{PeerChannel, connect};
use reen_proto::auth::v1::GetJwksRequest;
use reen_proto::auth::v1::auth_client::AuthClient;
use reen_proto::cart_items::v1::ListItemsRequest;
use reen_proto::cart_items::v1::cart_items_client::CartItemsClient;
use reen_proto::checkout::v1::GetCheckoutRequest;
use reen_proto::checkout::v1::checkout_client::CheckoutClient;
use reen_proto::orders::v1::ListOrdersRequest;
use reen_proto::orders::v1::orders_client::OrdersClient;
use reen_proto::products::v1::GetProductRequest;
use reen_proto::products::v1::products_client::ProductsClient;
use reen_testkit::{acting_for, eventually, identity};
use reen_tests::{Client, Mesh, Replicas, Scene};
use tokio::task::JoinSet;
use tonic::Status;
use url::Url;

const EACH: usize = 3;
/// So many calls to every service.
const CALLS: usize = 3_600;
const CALLERS: usize = 6;
/// How often everything is looked at between two deaths.
const ROUNDS: usize = 20;

/// Somebody who has a cart and a checkout, and what there is to see.
#[derive(Clone)]
struct Visitor {
    client: Client,
    product: String,
    checkout: String,
}

impl Visitor {
    async fn of(mesh: Mesh) -> (Mesh, Self) {
        let scene = Scene::on(mesh, "10", 100).await;
        let (client, product) = (scene.buyer, scene.product);
        client.add_to_cart(&product, 1).await.ok();
        let checkout = client.open_checkout().await.ok();
        let checkout = checkout["checkoutId"].as_str().expect("an id").to_owned();
        let visitor = Self {
            client,
            product,
            checkout,
        };
        (scene.mesh, visitor)
    }

    fn at(&self, gateway: &str) -> Self {
        Self {
            client: self.client.at(gateway),
            ..self.clone()
        }
    }

    /// Opens pages which together ask every service, and answers what could not be seen.
    async fn look_around(&self) -> Vec<String> {
        let pages = [
            "/auth/users/me".to_owned(),
            "/cart-items".to_owned(),
            "/orders".to_owned(),
            format!("/checkout/{}", self.checkout),
        ];
        let mut failed = Vec::new();
        for page in pages {
            let answer = self.client.get(&page).await;
            if answer.status != 200 {
                failed.push(format!("{page}: {} {}", answer.status, answer.body));
            }
        }
        failed
    }

    /// Reads something of a service, as a gateway does.
    async fn read(&self, service: &str, channel: PeerChannel) -> Result<(), Status> {
        let id = || self.checkout.clone();
        match service {
            "AUTH" => AuthClient::new(channel)
                .get_jwks(GetJwksRequest {})
                .await
                .map(drop),
            "PRODUCTS" => {
                let id = self.product.clone();
                let asked = GetProductRequest { id };
                ProductsClient::new(channel)
                    .get_product(asked)
                    .await
                    .map(drop)
            }
            "CART_ITEMS" => CartItemsClient::new(channel)
                .list_items(ListItemsRequest {})
                .await
                .map(drop),
            "CHECKOUT" => CheckoutClient::new(channel)
                .get_checkout(GetCheckoutRequest { id: id() })
                .await
                .map(drop),
            _ => {
                let limit = 1;
                let asked = ListOrdersRequest {
                    limit,
                    ..ListOrdersRequest::default()
                };
                OrdersClient::new(channel)
                    .list_orders(asked)
                    .await
                    .map(drop)
            }
        }
    }
}

/// A channel to all replicas of a service, as the gateway has it.
fn channel(replicas: &Replicas, service: &str) -> PeerChannel {
    let urls: Vec<Url> = replicas.urls(service);
    let audience = match service {
        "AUTH" => "auth",
        "PRODUCTS" => "products",
        "CART_ITEMS" => "cart-items",
        "CHECKOUT" => "checkout",
        _ => "orders",
    };
    connect(&identity("gateway"), audience, &urls).expect("addresses")
}

/// Reads so often that chance makes no difference, and answers what each replica had to do.
async fn share(replicas: &Replicas, visitor: &Visitor, service: &'static str) -> Vec<usize> {
    let channel = channel(replicas, service);
    let once = async || {
        let reading = visitor.read(service, channel.clone());
        acting_for(&visitor.client.user_id, reading).await
    };
    eventually("a connection to each replica", async || {
        once().await.expect("an answer");
        replicas
            .calls(service)
            .iter()
            .all(|calls| *calls > 10)
            .then_some(())
    })
    .await;
    let before = replicas.calls(service);
    join_all((0..CALLERS).map(async |_| {
        for _ in 0..CALLS / CALLERS {
            once().await.expect("an answer");
        }
    }))
    .await;
    let after = replicas.calls(service);
    after
        .iter()
        .zip(before)
        .map(|(after, before)| after - before)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_share_evenly_and_any_may_die() {
    let (mesh, visitor) = Visitor::of(Mesh::start().await).await;
    let mut replicas = Replicas::start(&mesh, EACH).await;
    let sharing = Replicas::SERVICES.map(|service| share(&replicas, &visitor, service));
    for (service, shares) in Replicas::SERVICES.into_iter().zip(join_all(sharing).await) {
        let even = shares.iter().sum::<usize>() / EACH;
        let uneven = shares.iter().any(|share| share.abs_diff(even) * 10 > even);
        assert!(!uneven, "{service}: {shares:?}");
    }
    let over = Arc::new(AtomicBool::new(false));
    let rounds = Arc::new(AtomicUsize::new(0));
    let mut visits = JoinSet::new();
    for gateway in replicas.gateways().iter().cycle().take(CALLERS) {
        let (visitor, over, rounds) = (visitor.at(gateway), over.clone(), rounds.clone());
        visits.spawn(async move {
            let mut failed = Vec::new();
            while !over.load(Ordering::SeqCst) {
                failed.extend(visitor.look_around().await);
                rounds.fetch_add(1, Ordering::SeqCst);
            }
            failed
        });
    }
    for (number, service) in Replicas::SERVICES.into_iter().enumerate() {
        wait_for(&rounds).await;
        replicas.kill(service, number % EACH);
    }
    wait_for(&rounds).await;
    over.store(true, Ordering::SeqCst);
    let failed = visits.join_all().await.concat();
    assert!(failed.is_empty(), "{failed:?}");
}

/// Waits until everything was looked at some more.
async fn wait_for(rounds: &AtomicUsize) {
    let enough = rounds.load(Ordering::SeqCst) + ROUNDS;
    eventually("more rounds", async || {
        (rounds.load(Ordering::SeqCst) >= enough).then_some(())
    })
    .await;
}
