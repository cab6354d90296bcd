//! One purchase, from the cart to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::{Value, json};

use crate::market::Market;
use crate::story::{Kind, Story};
use crate::visitor::{Answer, Visitor};

const OPEN_PATIENCE: Duration = Duration::from_secs(90);
/// How long a buyer looks at the page that waits for the order. Orders that come later count as well.
const LOOKING: Duration = Duration::from_secs(5);
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);
const OVER: [&str; 4] = ["completed", "refunded", "expired", "canceled"];

/// A checkout whose page is open.
struct Opened {
    checkout: String,
    session: String,
}

/// A buyer and the purchase at hand.
pub(crate) struct Purchase<'a> {
    pub(crate) market: &'a Arc<Market>,
    pub(crate) buyer: &'a mut Visitor,
    pub(crate) story: Story,
}

impl Purchase<'_> {
    /// Does what the story says; whatever is refused for good ends it.
    ///
    /// # Errors
    /// The mesh refused for longer than anything was away.
    pub(crate) async fn run(mut self) -> Result<()> {
        let product = self.market.product(self.story.product).to_owned();
        match self.story.kind {
            Kind::HoldLost => return self.lose_hold().await,
            Kind::ProductDeleted => return self.delete_product().await,
            Kind::SellerLeaves => return self.seller_leaves().await,
            _ => {}
        }
        let Some(opened) = self.open(&product).await? else {
            return Ok(());
        };
        match self.story.kind {
            Kind::Abandon => self.at_stripe(&opened, "expire").await?,
            Kind::Cancel => self.cancel(&opened).await?,
            Kind::CancelWhilePaying => self.cancel_while_paying(&opened).await?,
            Kind::PayLater => self.pay_later(&opened, "async-succeed").await?,
            Kind::PayLaterInVain => self.pay_later(&opened, "async-fail").await?,
            Kind::BuyerLeaves => return self.leave(&opened).await,
            Kind::DeclinedFirst => {
                self.decline(&opened).await?;
                self.pay(&opened).await?;
            }
            _ => self.pay(&opened).await?,
        }
        self.look(&opened).await;
        Ok(())
    }

    /// Fills an empty cart and opens its checkout; nothing when the product cannot be bought.
    async fn open(&mut self, product: &str) -> Result<Option<Opened>> {
        let deadline = Instant::now() + OPEN_PATIENCE;
        loop {
            let cleared = self.buyer.call(Method::DELETE, "/cart-items", None).await?;
            cleared.ok("clear the cart")?;
            let item = json!({"productId": product, "quantity": self.story.quantity});
            let added = self
                .buyer
                .call(Method::POST, "/cart-items", Some(item))
                .await?;
            if [404, 409].contains(&added.status) {
                return Ok(None);
            }
            added.ok("add to the cart")?;
            let last = match self.ask_for_page().await {
                Some(answer) if answer.is_success() => return read_opened(&answer.body).map(Some),
                Some(answer) if is_over(&answer) => return Ok(None),
                other => other,
            };
            if Instant::now() >= deadline {
                bail!("no checkout can be opened: {last:?}");
            }
            tokio::time::sleep(FIRST_LOOK).await;
        }
    }

    /// Asks twice under the same key, as a storefront does whose first answer got lost.
    async fn ask_for_page(&self) -> Option<Answer> {
        let key = uuid::Uuid::new_v4().to_string();
        let first = self.buyer.try_once(Method::POST, "/checkout", Some(&key));
        match first.await {
            Some(answer) if answer.status < 500 => Some(answer),
            _ => {
                let again = self.buyer.try_once(Method::POST, "/checkout", Some(&key));
                again.await
            }
        }
    }

    /// Pays, and has the webhook repeated as the story says.
    async fn pay(&self, opened: &Opened) -> Result<()> {
        if let Some(event) = self.market.pay(&opened.session, false).await? {
            self.repeat(event);
        }
        Ok(())
    }

    fn repeat(&self, event: String) {
        let (market, story) = (Arc::clone(self.market), self.story);
        if story.repeats == 0 {
            return;
        }
        tokio::spawn(async move {
            let path = format!(
                "/sim/events/{event}/resend?times={}&concurrent=true",
                story.repeats
            );
            // A repeat that is refused is no loss: Stripe's own tries go on.
            let _at_once = market.pages.post(&path, json!({})).await;
            if let Some(late) = story.repeated_late {
                tokio::time::sleep(late).await;
                let path = format!("/sim/events/{event}/resend");
                let _late = market.pages.post(&path, json!({})).await;
            }
        });
    }

    async fn decline(&self, opened: &Opened) -> Result<()> {
        let path = format!("/sim/sessions/{}/pay", opened.session);
        let card = json!({"card": "4000000000000002"});
        self.market.pages.post(&path, card).await.map(|_| ())
    }

    async fn at_stripe(&self, opened: &Opened, what: &str) -> Result<()> {
        let path = format!("/sim/sessions/{}/{what}", opened.session);
        self.market.pages.post(&path, json!({})).await.map(|_| ())
    }

    async fn pay_later(&self, opened: &Opened, end: &str) -> Result<()> {
        if let Some(event) = self.market.pay(&opened.session, true).await? {
            self.at_stripe(opened, end).await?;
            self.repeat(event);
        }
        Ok(())
    }

    async fn cancel(&mut self, opened: &Opened) -> Result<()> {
        let path = format!("/checkout/{}/cancel", opened.checkout);
        self.buyer.call(Method::POST, &path, None).await.map(|_| ())
    }

    async fn cancel_while_paying(&mut self, opened: &Opened) -> Result<()> {
        let market = Arc::clone(self.market);
        let (canceled, paid) =
            tokio::join!(self.cancel(opened), market.pay(&opened.session, false));
        if let Some(event) = paid? {
            self.repeat(event);
        }
        canceled
    }

    async fn lose_hold(&mut self) -> Result<()> {
        let product = self.market.scarce_product(self.story.quantity).await?;
        let Some(first) = self.open(&product).await? else {
            return Ok(());
        };
        self.market.lose_hold(&first.checkout).await?;
        let second = self.open(&product).await?;
        self.pay(&first).await?;
        if let Some(second) = &second {
            self.pay(second).await?;
            self.look(second).await;
        }
        self.look(&first).await;
        Ok(())
    }

    async fn delete_product(&mut self) -> Result<()> {
        let product = self.market.scarce_product(self.story.quantity).await?;
        if let Some(opened) = self.open(&product).await? {
            let market = Arc::clone(self.market);
            let (deleted, paid) = tokio::join!(market.delete_product(&product), self.pay(&opened));
            deleted.and(paid)?;
            self.look(&opened).await;
        }
        Ok(())
    }

    async fn seller_leaves(&mut self) -> Result<()> {
        let (mut seller, product) = self.market.seller_of(self.story.quantity).await?;
        if let Some(opened) = self.open(&product).await? {
            let leaving = seller.call(Method::DELETE, "/auth/users/me", None);
            let (left, paid) = tokio::join!(leaving, self.pay(&opened));
            left?;
            paid?;
            self.look(&opened).await;
        }
        Ok(())
    }

    /// The buyer leaves right after the payment; somebody else comes instead.
    async fn leave(&mut self, opened: &Opened) -> Result<()> {
        self.pay(opened).await?;
        let request = self.buyer.try_once(Method::DELETE, "/auth/users/me", None);
        let _lost_when_the_mesh_is_away = request.await;
        *self.buyer = self.market.buyer().await?;
        Ok(())
    }

    /// Looks at the checkout until it is over, for a while.
    async fn look(&self, opened: &Opened) {
        let path = format!("/checkout/{}", opened.checkout);
        let deadline = Instant::now() + LOOKING;
        let mut pause = FIRST_LOOK;
        while Instant::now() < deadline {
            let seen = self.buyer.try_once(Method::GET, &path, None).await;
            let status = seen.as_ref().and_then(|seen| seen.body["status"].as_str());
            if status.is_some_and(|status| OVER.contains(&status)) {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Refused for good: the product was sold or taken away meanwhile.
fn is_over(answer: &Answer) -> bool {
    ["insufficient_stock", "insufficient_balance", "not_found"].contains(&answer.code())
}

fn read_opened(body: &Value) -> Result<Opened> {
    let checkout = body["checkoutId"].as_str().context("no checkout id")?;
    let page = body["stripeSessionUrl"].as_str().context("no page")?;
    let path = page.split(['#', '?']).next().unwrap_or_default();
    let session = path.rsplit('/').next().unwrap_or_default();
    Ok(Opened {
        checkout: checkout.to_owned(),
        session: session.to_owned(),
    })
}
