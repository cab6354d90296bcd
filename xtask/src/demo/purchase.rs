//! One purchase, from the sign-up to the e-mails.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::account::{Account, Product};
use super::api::{Api, text};
use super::checkout::{CARD, Checkout, add_to_cart, check_out, completed, pay};
use super::mail;
use super::money::Cents;
use super::narrator::Narrator;
use crate::mesh::Run;

const POLL: Duration = Duration::from_millis(2);

const BOUGHT: u32 = 2;
const LAMP: Product<'_> = Product {
    name: "Brass Reading Lamp",
    description: "A reading lamp of solid brass with a dimmer in its foot and a linen cord.",
    price: Cents(14_990),
    quantity: 5,
};

/// Buys something and tells every step; fails when anything is not as the contract has it.
pub(crate) fn narrate(run: &Run) -> Result<()> {
    let api = Api::of_gateway(&run.gateway);
    let narrator = Narrator::new("A purchase");
    let (seller, product) = offer(&api, &narrator)?;
    let buyer = narrator.tell(
        "buyer signs up",
        || Account::sign_up(&api, "Noah Lindqvist"),
        |buyer| format!("{} <{}>", buyer.name, buyer.email),
    )?;
    let before = (seller.balance(&api)?, buyer.balance(&api)?);
    let checkout = fill_cart_and_check_out(&api, &narrator, &buyer, &product)?;
    let Some(stripe) = &run.stripe else {
        narrator.conclude("pay here, then the order is made:");
        println!("{:>9}  {}", "", checkout.payment_page());
        return Ok(());
    };
    narrator.tell(
        "buyer pays",
        || pay(stripe, &checkout),
        |()| format!("card {CARD}, at Stripe's stand-in"),
    )?;
    let total = LAMP.price.times(i64::from(BOUGHT));
    follow_order(&api, &narrator, &buyer, &checkout, total)?;
    let bought = Bought {
        seller: &seller,
        buyer: &buyer,
        before,
        total,
    };
    bought.tell_balances(&api, &narrator)?;
    mail::tell(&narrator, run, &[&buyer, &seller])?;
    narrator.conclude("paid once, ordered once, booked to the cent");
    Ok(())
}

/// A new seller with one product.
fn offer(api: &Api, narrator: &Narrator) -> Result<(Account, String)> {
    let seller = narrator.tell(
        "seller signs up",
        || Account::sign_up(api, "Ada Brandt"),
        |seller| format!("{} <{}>", seller.name, seller.email),
    )?;
    narrator.tell(
        "becomes a seller",
        || {
            seller.become_seller(api)?;
            seller.balance(api)
        },
        |balance| format!("for 160,000.00; balance {balance}"),
    )?;
    let product = narrator.tell(
        "lists a product",
        || seller.list_product(api, &LAMP),
        |id| {
            format!(
                "{} at {}, {} pieces, id {id}",
                LAMP.name, LAMP.price, LAMP.quantity
            )
        },
    )?;
    Ok((seller, product))
}

fn fill_cart_and_check_out(
    api: &Api,
    narrator: &Narrator,
    buyer: &Account,
    product: &str,
) -> Result<Checkout> {
    narrator.tell(
        "fills the cart",
        || add_to_cart(api, buyer, product, BOUGHT),
        |()| format!("{BOUGHT} × {}", LAMP.name),
    )?;
    narrator.tell(
        "checks out",
        || check_out(api, buyer),
        |checkout| format!("checkout {}, session {}", checkout.id, checkout.session()),
    )
}

/// From the payment to the order, which must be of the right total.
fn follow_order(
    api: &Api,
    narrator: &Narrator,
    buyer: &Account,
    checkout: &Checkout,
    total: Cents,
) -> Result<()> {
    let completed = narrator.tell(
        "webhook, saga, order",
        || completed(api, buyer, checkout, POLL),
        |_| "the checkout is completed".to_owned(),
    )?;
    let path = format!("/orders/{}", text(&completed, "orderId")?);
    let ordered = narrator.tell(
        "reads the order",
        || Order::read(&api.get(&path, Some(&buyer.token))?),
        |order| format!("{} is {}, total {}", order.id, order.status, order.total),
    )?;
    ensure!(
        ordered.total == total,
        "the order's total is {}, not {total}",
        ordered.total
    );
    Ok(())
}

struct Order {
    id: String,
    status: String,
    total: Cents,
}

impl Order {
    fn read(answer: &Value) -> Result<Self> {
        Ok(Self {
            id: text(answer, "id")?.to_owned(),
            status: text(answer, "status")?.to_owned(),
            total: Cents::from_json(&answer["total"])?,
        })
    }
}

struct Bought<'a> {
    seller: &'a Account,
    buyer: &'a Account,
    /// The seller's and the buyer's.
    before: (Cents, Cents),
    total: Cents,
}

impl Bought<'_> {
    fn tell_balances(&self, api: &Api, narrator: &Narrator) -> Result<()> {
        let (seller_before, buyer_before) = self.before;
        let told = [
            (
                "seller's balance",
                self.seller,
                seller_before,
                seller_before + self.total,
            ),
            (
                "buyer's balance",
                self.buyer,
                buyer_before,
                buyer_before - self.total,
            ),
        ];
        for (what, account, before, expected) in told {
            let after = narrator.tell(
                what,
                || account.balance(api).context("the balance cannot be read"),
                |after| format!("{before} → {after}"),
            )?;
            ensure!(
                after == expected,
                "{what} is {after} and should be {expected}"
            );
        }
        Ok(())
    }
}
