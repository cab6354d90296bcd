//! What is asked for.

use std::sync::Arc;

use rand::Rng as _;

use crate::ask::{Ask, Asks};
use crate::catalogue::Catalogue;
use crate::people::Crowd;

pub(crate) const LINES_OF_A_CART: usize = 5;
/// As many as a thousand products have.
const PAGES: u32 = 50;

/// Something that is asked for again and again.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) asks: Asks,
}

fn row(name: &'static str, asks: impl Fn(u64) -> Ask + Send + Sync + 'static) -> Row {
    let asks: Asks = Arc::new(asks);
    Row { name, asks }
}

/// The rows whose cost may depend on how many products there are.
pub(crate) fn reads(crowd: &Arc<Crowd>, catalogue: &Catalogue) -> Vec<Row> {
    let ids = Arc::new(catalogue.ids.clone());
    let [prices, same_prices] = [(); 2].map(|()| catalogue.lowest_prices());
    let one = format!("/api/v1/products/{}", crowd.product(0));
    vec![
        row("product, cached", move |_| Ask::get(one.as_str())),
        row("product, uncached", move |_| {
            Ask::get(format!("/api/v1/products/{}", Catalogue::any(&ids))).for_the_truth()
        }),
        row("page of 20, cached", |_| {
            Ask::get("/api/v1/products?limit=20&page=1")
        }),
        row("page of 20, uncached", move |_| {
            let least = dollars(rand::rng().random_range(prices.clone()));
            Ask::get(format!(
                "/api/v1/products?limit=20&page=1&sortBy=price&order=asc&minPrice={least}"
            ))
            .for_the_truth()
        }),
        // How many there are is remembered, the products are not.
        row("any page of a list, uncached", |_| {
            let page = rand::rng().random_range(1..=PAGES);
            Ask::get(format!(
                "/api/v1/products?limit=20&page={page}&sortBy=price&order=asc"
            ))
            .for_the_truth()
        }),
        // Without a number nothing is counted.
        row("first 20 of a cursor, uncached", move |_| {
            let least = rand::rng().random_range(same_prices.clone());
            Ask::get(format!(
                "/api/v2/products?limit=20&sortBy=price&order=asc&minPrice={least}"
            ))
            .for_the_truth()
        }),
    ]
}

fn dollars(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// What is one buyer's own; the carts hold [`LINES_OF_A_CART`] lines until something is added, which is last.
pub(crate) fn own(crowd: &Arc<Crowd>) -> Vec<Row> {
    let [at_the_door, with_carts, adding, opening] = [(); 4].map(|()| Arc::clone(crowd));
    vec![
        // Everything but a handler: its id is none, which is found out last before one would be called.
        row("front door", move |number| {
            let buyer = at_the_door.buyer(number);
            Ask::get("/api/v1/orders/none")
                .by(&buyer.credentials)
                .expecting(404)
        }),
        row("cart of 5 lines", move |number| {
            Ask::get("/api/v1/cart-items").by(&with_carts.buyer(number).credentials)
        }),
        row("open a checkout", move |number| {
            opening.buyer(number).checks_out()
        }),
        row("add to cart", move |number| {
            adding.buyer(number).adds(adding.product(number / 7))
        }),
    ]
}
