//! Many purchases, and how long an order takes.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::account::{Account, Product};
use super::api::{Api, wait_for};
use super::checkout::{add_to_cart, check_out, completed, pay};
use super::money::Cents;
use super::narrator::milliseconds;
use crate::mesh::Run;
use crate::progress;

const PATIENCE: Duration = Duration::from_secs(60);
/// One buyer asks often, so that the asking adds little to what is measured.
const POLL_ALONE: Duration = Duration::from_millis(2);
/// Many ask seldom, and only for their checkout, so that the asking takes little from those who buy.
const POLL_AMONG_MANY: Duration = Duration::from_millis(100);
/// A buyer's list of orders is read while waiting: it is kept short by taking a new buyer.
const PURCHASES_PER_BUYER: u32 = 10;

/// Buys `purchases` times, `buyers` at the same time, and prints how long it took from the payment to
/// the order. Unless the product is `hot`, every buyer has one of a seller of its own.
pub(super) fn measure(run: &Run, purchases: u32, buyers: u32, hot: bool) -> Result<()> {
    let stripe = run
        .stripe
        .as_deref()
        .context("with Stripe itself a person has to pay: only its stand-in can be measured")?;
    let each = purchases.div_ceil(buyers);
    let shops = open_shops(run, stripe, each, buyers, hot)?;
    let purchases = each * buyers;
    let what = format!("{purchases} purchases, {buyers} at a time");
    let mut took = Duration::ZERO;
    let mut times = progress::step(&what, || {
        let started = Instant::now();
        let times = buy_at_once(shops, each);
        took = started.elapsed();
        times
    })?;
    times.sort_unstable();
    println!("\nwebhook to order, {what}");
    for (name, percent) in [("p50", 50), ("p99", 99), ("max", 100)] {
        println!(
            "  {name}  {:>10}",
            milliseconds(percentile(&times, percent))
        );
    }
    let per_second = u128::from(purchases) * 1_000_000 / took.as_micros().max(1);
    println!("  purchases per second  {per_second}");
    let (shown, asked) = if buyers == 1 {
        ("GET /orders shows the order", POLL_ALONE)
    } else {
        ("the checkout is completed", POLL_AMONG_MANY)
    };
    println!(
        "  from the moment the stand-in has taken the payment and answered, until\n  \
         {shown}, asked every {} ms; the asking itself is included",
        asked.as_millis()
    );
    Ok(())
}

fn open_shops<'a>(
    run: &Run,
    stripe: &'a str,
    each: u32,
    buyers: u32,
    hot: bool,
) -> Result<Vec<Shop<'a>>> {
    let api = || Api::of_gateway(&run.gateway);
    let shared = hot.then(|| offer(&api(), each * buyers)).transpose()?;
    let open = |_| {
        let product = match &shared {
            Some(product) => product.clone(),
            None => offer(&api(), each)?,
        };
        Ok(Shop {
            api: api(),
            stripe,
            product,
            alone: buyers == 1,
        })
    };
    progress::step("sellers and their products", || {
        (0..buyers).map(open).collect()
    })
}

fn buy_at_once(shops: Vec<Shop<'_>>, each: u32) -> Result<Vec<Duration>> {
    thread::scope(|scope| {
        let buying: Vec<_> = shops
            .into_iter()
            .map(|mut shop| scope.spawn(move || shop.buy_often(each)))
            .collect();
        let mut times = Vec::new();
        for buyer in buying {
            let bought = buyer.join().map_err(|_| anyhow!("a buyer panicked"))?;
            times.extend(bought?);
        }
        Ok(times)
    })
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
    alone: bool,
}

impl Shop<'_> {
    fn buy_often(&mut self, purchases: u32) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        let mut buyer = Account::sign_up(&self.api, "Noah Lindqvist")?;
        for number in 0..purchases {
            let bought = number % PURCHASES_PER_BUYER;
            if self.alone && number > 0 && bought == 0 {
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
        if !self.alone {
            completed(&self.api, buyer, &checkout, POLL_AMONG_MANY)?;
            return Ok(paid.elapsed());
        }
        let ordered = wait_for("the order is there", PATIENCE, POLL_ALONE, || {
            let orders = self.api.get("/orders", Some(&buyer.token))?;
            let count = orders
                .as_array()
                .context("GET /orders gives no array")?
                .len();
            Ok((count > usize::try_from(bought)?).then(|| paid.elapsed()))
        })?;
        // What was bought leaves the cart after the order is there; the next purchase waits for that.
        completed(&self.api, buyer, &checkout, POLL_ALONE)?;
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
