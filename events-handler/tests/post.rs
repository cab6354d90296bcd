//! The letters by SMTP: to whom, from whom, what they say, and what becomes of them when the mail server fails.

#![expect(clippy::unwrap_used, reason = "a test ends where its set-up fails")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use bson::{Document, doc};
use reen_proto::events::v1::LetterRequested;
use reen_sims::mail::{Config, Fault, Letter, MailSim, Office};
use reen_testkit::{FaultProxy, PATIENCE, eventually, in_background};
use support::{BUYER, ORDER, SELLER, World, checkout_id};
use tokio_util::sync::DropGuard;

const BUYERS: &str = "buyer@reen.example";
const SELLERS: &str = "seller@reen.example";
const SENDERS: &str = "no-reply@reen.example";
/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3_600);

/// The mesh, with a mail server.
struct Mailing {
    world: World,
    office: Office,
    /// The line between the two.
    line: FaultProxy,
    _server: DropGuard,
}

impl Mailing {
    async fn start() -> Self {
        Self::with(Config::in_process()).await
    }

    async fn with(server: Config) -> Self {
        reen_chassis::metrics::install();
        let server = MailSim::build(server).await.unwrap();
        let office = server.office();
        let smtp_url = server.smtp_url();
        let line = FaultProxy::to(&smtp_url).await;
        let running = in_background(|stop| server.run(stop));
        let mut world = World::without_app().await;
        let smtp_url = line.through(&smtp_url);
        world.settings.insert("SMTP_URL".to_owned(), smtp_url);
        world.start_app().await;
        Self {
            world,
            office,
            line,
            _server: running,
        }
    }

    /// Somebody buys; answers the checkout's id.
    async fn buy(&self) -> String {
        let checkout = checkout_id();
        self.world.pay(&checkout, 1).await;
        checkout
    }

    /// Once so many orders are there.
    async fn bought(&self, orders: usize) {
        eventually("the orders to be made", async || {
            let effects = self.world.book.effects();
            let completed = effects.iter().filter(|made| *made == "complete_checkout");
            (completed.count() == orders).then_some(())
        })
        .await;
    }

    /// The first `count` letters to an address, when they have come.
    async fn taken(&self, address: &str, count: usize) -> Vec<Arc<Letter>> {
        let taken = self.office.taken(address, count);
        tokio::time::timeout(PATIENCE, taken).await.unwrap()
    }

    /// The saga once it waits for its letters.
    async fn waiting_saga(&self, checkout: &str) -> Document {
        let id = format!("order-completed:{checkout}");
        let waits = doc! {"_id": id, "status": "running", "attempts": {"$gt": 0}};
        eventually("the letters to fail", async || {
            self.world.sagas.find_one(waits.clone()).await.unwrap()
        })
        .await
    }

    /// How many letters this process gave up.
    async fn undeliverable(&self) -> u64 {
        let metrics = self.world.metrics().await;
        let counter = r#"reen_letters_total{outcome="undeliverable"} "#;
        let told = metrics.lines().find_map(|line| line.strip_prefix(counter));
        told.unwrap().parse().unwrap()
    }

    /// The purchase was made, and once, whatever becomes of its letters.
    fn assert_bought_once(&self) {
        let effects = self.world.book.effects();
        for effect in ["create_order", "post_sale", "complete_checkout"] {
            let times = effects.iter().filter(|made| *made == effect).count();
            assert_eq!(times, 1, "{effect}: {effects:?}");
        }
    }
}

fn ids(letters: &[Arc<Letter>]) -> Vec<String> {
    let ids = letters.iter().map(|letter| letter.message_id().unwrap());
    ids.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_told_to_buyer_and_seller() {
    let mailing = Mailing::start().await;
    let checkout = mailing.buy().await;
    mailing.world.order_saga_in(&checkout, "done").await;
    for (address, name, about, user, subject, words) in [
        (
            BUYERS,
            "Bea Buyer",
            "order",
            BUYER,
            format!("Your order {ORDER}"),
            "Thank you, Bea Buyer.",
        ),
        (
            SELLERS,
            "Sam Seller",
            "sale",
            SELLER,
            format!("You sold something: order {ORDER}"),
            "Good news, Sam Seller.",
        ),
    ] {
        let letters = mailing.office.letters_to(address);
        assert_eq!(letters.len(), 1, "{address}");
        let letter = &letters[0];
        assert_eq!((letter.from.as_str(), letter.to.len()), (SENDERS, 1));
        let header = |name| letter.header(name).unwrap();
        assert_eq!(header("From"), format!("REEN <{SENDERS}>"));
        assert_eq!(header("To"), format!("{name} <{address}>"));
        let id = format!("{about}.{checkout}.{user}@reen.example");
        assert_eq!(letter.message_id().unwrap(), id);
        assert_eq!(letter.subject(), subject);
        let (text, html) = (letter.text().unwrap(), letter.html().unwrap());
        assert!(text.contains(words) && html.contains(words), "{text}{html}");
        // What a product is called is text in the one and escaped in the other.
        assert!(text.contains("Brass <lamp>"), "{text}");
        assert!(html.contains("$125.00"), "{html}");
        assert!(!html.contains("<lamp>"), "{html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_turned_away_comes_again_under_the_same_id() {
    let mailing = Mailing::start().await;
    mailing.office.fail(BUYERS, Fault::NotNow, 2);
    let checkout = mailing.buy().await;
    mailing.world.order_saga_in(&checkout, "done").await;
    let turned_away = mailing.office.turned_away(BUYERS);
    let taken = mailing.office.letters_to(BUYERS);
    assert_eq!((turned_away.len(), taken.len()), (2, 1));
    let id = format!("order.{checkout}.{BUYER}@reen.example");
    assert_eq!(ids(&turned_away), [id.as_str(); 2]);
    assert_eq!(ids(&taken), [id.as_str()]);
    // Who was told before is not told again.
    assert_eq!(mailing.office.letters_to(SELLERS).len(), 1);
    mailing.assert_bought_once();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_whose_answer_was_lost_can_be_told_for_a_repeat() {
    let mailing = Mailing::start().await;
    mailing.office.fail(SELLERS, Fault::AnswerLost, 1);
    let checkout = mailing.buy().await;
    mailing.world.order_saga_in(&checkout, "done").await;
    let taken = mailing.office.letters_to(SELLERS);
    let id = format!("sale.{checkout}.{SELLER}@reen.example");
    assert_eq!(ids(&taken), [id.as_str(); 2]);
    assert_eq!(taken[0].text(), taken[1].text());
    assert_eq!(mailing.office.letters_to(BUYERS).len(), 1);
    mailing.assert_bought_once();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_is_away_does_not_hold_up_the_order() {
    let mailing = Mailing::start().await;
    mailing.line.cut();
    let checkout = mailing.buy().await;
    mailing.waiting_saga(&checkout).await;
    mailing.assert_bought_once();
    assert!(mailing.office.letters_to(BUYERS).is_empty());
    mailing.line.restore();
    mailing.taken(BUYERS, 1).await;
    mailing.world.order_saga_in(&checkout, "done").await;
    assert_eq!(mailing.office.letters_to(BUYERS).len(), 1);
    assert_eq!(mailing.office.letters_to(SELLERS).len(), 1);
    mailing.assert_bought_once();
}

/// More orders than are worked on at a time: their letters must not keep the places of the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_says_nothing_does_not_hold_up_the_orders() {
    const ORDERS: usize = 40;
    let mailing = Mailing::start().await;
    mailing.line.delay(NEVER);
    for _ in 0..ORDERS {
        mailing.buy().await;
    }
    mailing.bought(ORDERS).await;
    assert!(mailing.office.letters_to(BUYERS).is_empty());
    mailing.line.restore();
    mailing.taken(BUYERS, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_the_mail_server_cannot_write_to_is_given_up() {
    let mut server = Config::in_process();
    server.limits.other_letters = false;
    let mailing = Mailing::with(server).await;
    mailing.world.book.move_buyer_to("büyer@reen.example");
    let checkout = mailing.buy().await;
    mailing.world.order_saga_in(&checkout, "done").await;
    assert_eq!(mailing.office.letters_to(SELLERS).len(), 1);
    mailing.assert_bought_once();
    assert!(mailing.undeliverable().await >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_a_domain_of_other_letters_is_written_to_by_any_mail_server() {
    let mut server = Config::in_process();
    server.limits.other_letters = false;
    let mailing = Mailing::with(server).await;
    mailing.world.book.move_buyer_to("buyer@bücher.example");
    mailing.buy().await;
    mailing.taken("buyer@xn--bcher-kva.example", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_turned_away_keeps_no_one_else_from_being_told() {
    for (away, other) in [(BUYERS, SELLERS), (SELLERS, BUYERS)] {
        let mailing = Mailing::start().await;
        mailing.office.fail(away, Fault::NotNow, u32::MAX);
        let checkout = mailing.buy().await;
        let saga = mailing.waiting_saga(&checkout).await.to_string();
        assert!(saga.contains("the post failed: it answered 451"), "{saga}");
        assert_eq!(mailing.office.letters_to(other).len(), 1);
        mailing.office.recover();
        mailing.taken(away, 1).await;
        mailing.world.order_saga_in(&checkout, "done").await;
        assert_eq!(mailing.office.letters_to(other).len(), 1);
        mailing.assert_bought_once();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_at_a_mailbox_that_is_not_there_and_the_others_are() {
    for (missing, other) in [(BUYERS, SELLERS), (SELLERS, BUYERS)] {
        let mailing = Mailing::start().await;
        mailing.office.fail(missing, Fault::NoSuchMailbox, u32::MAX);
        let checkout = mailing.buy().await;
        let saga = mailing.world.order_saga_in(&checkout, "done").await;
        // The mail server's own words repeat the address.
        assert!(!saga.to_string().contains(missing), "{saga}");
        assert_eq!(mailing.office.letters_to(other).len(), 1);
        mailing.assert_bought_once();
        assert!(mailing.undeliverable().await >= 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_trust_us_is_tried_again() {
    let mailing = Mailing::start().await;
    mailing.office.fail(BUYERS, Fault::NotTrusted, 1);
    let checkout = mailing.buy().await;
    mailing.world.order_saga_in(&checkout, "done").await;
    assert_eq!(mailing.office.letters_to(BUYERS).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_about_an_account_that_is_turned_away_is_written_anew() {
    let mailing = Mailing::start().await;
    mailing.office.fail(BUYERS, Fault::NotNow, 1);
    let key = checkout_id();
    let asked = LetterRequested {
        letter_id: key.clone(),
        requested_at: None,
    };
    let asked = reen_messaging::Message::new(&asked);
    mailing.world.publish_message(&asked).await;
    mailing.world.saga_in("account-letter", &key, "done").await;
    let turned_away = mailing.office.turned_away(BUYERS);
    let taken = mailing.office.letters_to(BUYERS);
    assert_eq!((turned_away.len(), taken.len()), (1, 1));
    // The token that counts is the last: a mailbox must not drop its letter as a repeat.
    assert_ne!(ids(&turned_away), ids(&taken));
    for (letter, number) in [(&turned_away[0], 1), (&taken[0], 2)] {
        let link = format!("http://localhost:3000/reset-password?token=token-{number}");
        assert!(letter.text().unwrap().contains(&link));
    }
}
