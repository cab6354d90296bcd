use std::time::Duration;

use futures::future::{join_all, join3};
use reen_tests::Client;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::support::Door;

const READERS: usize = 3;
const BUYERS: usize = 3;
/// Between two requests of one visitor; buyers take their time anyway.
const PACE: Duration = Duration::from_millis(40);

/// People in the shop. A request of theirs that is refused, or gets no answer, fails the test.
pub(crate) struct Load {
    product: String,
    seller: Client,
    collector: Client,
    buyers: Vec<Client>,
}

/// How many requests were answered, and how many orders were made.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) reads: usize,
    pub(crate) writes: usize,
    pub(crate) orders: usize,
}

impl Load {
    pub(crate) async fn prepare(door: &Door, stripe: &str) -> Self {
        let sign_up = async |name| {
            let mut visitor = door.visitor(stripe);
            visitor.sign_up(name).await;
            visitor
        };
        let seller = sign_up("Sam Seller").await;
        let role = json!({"role": "ADMIN"});
        seller.post("/auth/update-user-role", role).await.ok();
        Self {
            product: seller.list_product("10", 1_000_000).await,
            seller,
            collector: sign_up("Cy Collector").await,
            buyers: join_all([(); BUYERS].map(|()| sign_up("Bea Buyer"))).await,
        }
    }

    /// Everybody at once until `stop`; then each finishes what he is at.
    pub(crate) async fn run(&self, stop: &CancellationToken) -> Served {
        let product = &self.product;
        let looking = [(); READERS].map(|()| look(&self.seller, product, stop));
        let buying = self.buyers.iter().map(|buyer| buy(buyer, product, stop));
        let collecting = collect(&self.collector, product, stop);
        let (reads, orders, writes) = join3(join_all(looking), join_all(buying), collecting).await;
        Served {
            reads: reads.into_iter().sum(),
            writes,
            orders: orders.into_iter().sum(),
        }
    }
}

/// Does something again and again, at the pace of a visitor, and counts.
async fn again_and_again(stop: &CancellationToken, mut something: impl AsyncFnMut()) -> usize {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut done = 0;
    while stop.run_until_cancelled(pace.tick()).await.is_some() {
        something().await;
        done += 1;
    }
    done
}

async fn look(visitor: &Client, product: &str, stop: &CancellationToken) -> usize {
    let pages = [
        "/products?limit=5",
        "/cart-items",
        "/auth/users/me",
        "/orders",
    ];
    let mut pages = pages.into_iter().cycle();
    let rounds = again_and_again(stop, async || {
        visitor.get(pages.next().unwrap()).await.ok();
        visitor.in_stock(product).await;
    });
    2 * rounds.await
}

/// Puts one piece after the other into a cart, none of them twice.
async fn collect(visitor: &Client, product: &str, stop: &CancellationToken) -> usize {
    let mut pieces = 0;
    let added = again_and_again(stop, async || {
        visitor.add_to_cart(product, 1).await.ok();
        pieces += 1;
        let cart = visitor.get("/cart-items").await.ok();
        assert_eq!(cart[0]["quantity"], pieces, "{cart}");
    });
    added.await
}

async fn buy(visitor: &Client, product: &str, stop: &CancellationToken) -> usize {
    let mut bought = Vec::new();
    while !stop.is_cancelled() {
        let order = visitor.buy(product, 1).await;
        bought.push(order["id"].as_str().unwrap().to_owned());
    }
    let orders = visitor.get("/orders").await.ok();
    let id = |order: &Value| order["id"].as_str().unwrap().to_owned();
    let mut known: Vec<String> = orders.as_array().unwrap().iter().map(id).collect();
    known.sort();
    bought.sort();
    assert_eq!(known, bought);
    bought.len()
}
