//! From a cart to a payment, without a word.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::account::Account;
use super::api::{Api, text, wait_for};

/// A test card that Stripe and its stand-in take at once.
pub(super) const CARD: &str = "4242424242424242";

const PATIENCE: Duration = Duration::from_secs(30);

/// A checkout session that can be paid.
#[derive(Debug)]
pub(super) struct Checkout {
    pub(super) id: String,
    session_url: String,
}

pub(super) fn add_to_cart(api: &Api, buyer: &Account, product: &str, quantity: u32) -> Result<()> {
    let body = json!({ "productId": product, "quantity": quantity });
    api.post("/cart-items", Some(&buyer.token), &body)?;
    Ok(())
}

pub(super) fn check_out(api: &Api, buyer: &Account) -> Result<Checkout> {
    let answer = api.post("/checkout", Some(&buyer.token), &json!({}))?;
    Ok(Checkout {
        id: text(&answer, "checkoutId")?.to_owned(),
        session_url: text(&answer, "stripeSessionUrl")?.to_owned(),
    })
}

/// What a buyer does on Stripe's page.
pub(super) fn pay(stripe: &str, checkout: &Checkout) -> Result<()> {
    let path = format!("/sim/sessions/{}/pay", checkout.session());
    Api::new(stripe).post(&path, None, &json!({ "card": CARD }))?;
    Ok(())
}

/// Waits until a paid checkout has come to its end.
pub(super) fn completed(
    api: &Api,
    buyer: &Account,
    checkout: &Checkout,
    poll: Duration,
) -> Result<Value> {
    let path = format!("/checkout/{}", checkout.id);
    wait_for("the checkout is completed", PATIENCE, poll, || {
        let answer = api.get(&path, Some(&buyer.token))?;
        match text(&answer, "status")? {
            "completed" => Ok(Some(answer)),
            "open" | "paid" => Ok(None),
            other => bail!("the checkout is {other}"),
        }
    })
}

impl Checkout {
    /// Where a person pays.
    pub(super) fn payment_page(&self) -> &str {
        &self.session_url
    }

    pub(super) fn session(&self) -> &str {
        session_id(&self.session_url)
    }
}

/// The last segment of the payment page's path.
fn session_id(url: &str) -> &str {
    let page = url
        .split(['#', '?'])
        .next()
        .unwrap_or(url)
        .trim_end_matches('/');
    page.rsplit('/').next().unwrap_or(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_the_last_segment() {
        for url in [
            "http://127.0.0.1:1/c/pay/cs_test_a1",
            "https://checkout.stripe.com/c/pay/cs_test_a1#fid",
            "http://127.0.0.1:1/pay/cs_test_a1?x=/y",
            "http://127.0.0.1:1/pay/cs_test_a1/",
        ] {
            assert_eq!(session_id(url), "cs_test_a1");
        }
    }
}
