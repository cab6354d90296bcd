//! Many purchases one after the other, and how long an order takes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::account::{Account, Product};
use super::api::{Api, wait_for};
use super::checkout::{add_to_cart, check_out, completed, pay};
use super::money::Cents;
use super::narrator::milliseconds;
use crate::mesh::Run;
use crate::progress;

const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(2);
/// A buyer's list of orders is read while waiting: it is kept short by taking a new buyer.
const PURCHASES_PER_BUYER: u32 = 10;

/// Buys `purchases` times and prints how long it took from the payment to the order.
pub(super) fn measure(run: &Run, purchases: u32) -> Result<()> {
    let stripe = run
        .stripe
        .as_deref()
        .context("with Stripe itself a person has to pay: only its stand-in can be measured")?;
    let api = Api::of_gateway(&run.gateway);
    let product = offer(&api, purchases)?;
    let what = format!("{purchases} purchases, one after the other");
    let mut times = progress::step(&what, || {
        let mut shop = Shop {
            api,
            stripe,
            product,
        };
        shop.buy_often(purchases)
    })?;
    times.sort_unstable();
    println!("\nwebhook to order, {purchases} purchases");
    for (name, percent) in [("p50", 50), ("p99", 99), ("max", 100)] {
        println!(
            "  {name}  {:>10}",
            milliseconds(percentile(&times, percent))
        );
    }
    println!(
        "  from the moment the stand-in has taken the payment and answered, until GET /orders\n  \
         shows the order, asked every {} ms; the asking itself is included",
        POLL.as_millis()
    );
    Ok(())
}

/// A seller with as many pieces as will be bought.
fn offer(api: &Api, pieces: u32) -> Result<String> {
    let seller = Account::sign_up(api, "Ada Brandt")?;
    seller.become_seller(api)?;
    let product = Product {
        name: "Postcard",
        description: "A postcard, printed in one colour on heavy paper.",
        price: Cents(250),
        quantity: pieces,
    };
    seller.list_product(api, &product)
}

struct Shop<'a> {
    api: Api,
    stripe: &'a str,
    product: String,
}

impl Shop<'_> {
    fn buy_often(&mut self, purchases: u32) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        let mut buyer = Account::sign_up(&self.api, "Noah Lindqvist")?;
        for number in 0..purchases {
            let bought = number % PURCHASES_PER_BUYER;
            if number > 0 && bought == 0 {
                buyer = Account::sign_up(&self.api, "Noah Lindqvist")?;
            }
            times.push(self.buy(&buyer, bought)?);
        }
        Ok(times)
    }

    /// How long the order took of a buyer who has `bought` so often before.
    fn buy(&self, buyer: &Account, bought: u32) -> Result<Duration> {
        add_to_cart(&self.api, buyer, &self.product, 1)?;
        let checkout = check_out(&self.api, buyer)?;
        pay(self.stripe, &checkout)?;
        let paid = Instant::now();
        let ordered = wait_for("the order is there", PATIENCE, POLL, || {
            let orders = self.api.get("/orders", Some(&buyer.token))?;
            let count = orders
                .as_array()
                .context("GET /orders gives no array")?
                .len();
            Ok((count > usize::try_from(bought)?).then(|| paid.elapsed()))
        })?;
        // What was bought leaves the cart after the order is there; the next purchase waits for that.
        completed(&self.api, buyer, &checkout)?;
        Ok(ordered)
    }
}

/// The smallest time that so many percent of all do not exceed (nearest rank). `sorted` ascends.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let times: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 50), Duration::from_millis(50));
        assert_eq!(percentile(&times, 99), Duration::from_millis(99));
        assert_eq!(percentile(&times, 100), Duration::from_millis(100));
        assert_eq!(percentile(&times[..3], 50), Duration::from_millis(2));
        assert_eq!(percentile(&times[..1], 99), Duration::from_millis(1));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }
}
