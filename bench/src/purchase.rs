//! The whole purchase: cart, checkout, payment, order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures::future::try_join_all;
use serde_json::json;

use crate::ask::Ask;
use crate::connection::Connection;
use crate::load::Measured;
use crate::mesh::Mesh;
use crate::people::{Crowd, Person};

const CARD: &str = "4242424242424242";
/// Between two looks at whether the order is there.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

/// Every connection's buyer buys again as soon as there is an order.
pub(crate) async fn closed(
    mesh: &Mesh,
    crowd: &Arc<Crowd>,
    buyers: u16,
    duration: Duration,
) -> Result<Measured> {
    let next = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let until = started + duration;
    let buying = (0..u64::from(buyers)).map(|number| {
        let person = crowd.buyer(number).clone();
        let (gateway, stripe) = (mesh.gateway, mesh.stripe);
        let (crowd, next) = (Arc::clone(crowd), Arc::clone(&next));
        let work = async move {
            let mut shopper = Shopper::enter(gateway, stripe, person).await?;
            shopper.buy_until(until, &crowd, &next).await
        };
        async { tokio::spawn(work).await? }
    });
    let parts = try_join_all(buying).await?;
    Measured::together(parts, started.elapsed())
}

struct Shopper {
    gateway: Connection,
    stripe: Connection,
    person: Person,
}

impl Shopper {
    async fn enter(gateway: SocketAddr, stripe: SocketAddr, person: Person) -> Result<Self> {
        Ok(Self {
            gateway: Connection::open(gateway).await?,
            stripe: Connection::open(stripe).await?,
            person,
        })
    }

    async fn buy_until(
        &mut self,
        until: Instant,
        crowd: &Crowd,
        next: &AtomicU64,
    ) -> Result<Measured> {
        let mut measured = Measured::nothing()?;
        while Instant::now() < until {
            let product = crowd.product(next.fetch_add(1, Ordering::Relaxed));
            let begun = Instant::now();
            let outcome = self.buy(product).await;
            measured.note(outcome, begun.elapsed());
        }
        Ok(measured)
    }

    async fn buy(&mut self, product: &str) -> Result<()> {
        self.gateway.ask(&self.person.adds(product)).await?;
        let opened = self.gateway.json(&self.person.checks_out()).await?;
        let page = opened["stripeSessionUrl"].as_str().context("no page")?;
        let session = page.rsplit('/').next().unwrap_or(page);
        let path = format!("/sim/sessions/{session}/pay");
        let pay = Ask::post(path, &json!({ "card": CARD }));
        self.stripe.ask(&pay).await?;
        let id = opened["checkoutId"].as_str().context("no checkout")?;
        self.wait_for_order(id).await
    }

    async fn wait_for_order(&mut self, checkout: &str) -> Result<()> {
        let path = format!("/api/v1/checkout/{checkout}");
        let look = Ask::get(path).by(&self.person.credentials);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
            let seen = self.gateway.json(&look).await?;
            match seen["status"].as_str() {
                Some("completed") => return Ok(()),
                Some("open" | "paid") => {}
                other => bail!("the checkout {checkout} is {other:?}"),
            }
        }
        bail!("the checkout {checkout} has no order after {PATIENCE:?}")
    }
}
