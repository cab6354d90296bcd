//! A fee is kept for a listing that is there, and for nothing else, whatever fails in between.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use reen_error::Code;
use reen_testkit::{acting_for, code, eventually};

use super::support::{Shop, Sweeping, draft, new_price};

impl Shop {
    async fn fee_state(&self, filter: Document) -> Option<String> {
        let fees = self.database.collection::<Document>("listing_fees");
        let fee = fees.find_one(filter).await.expect("MongoDB")?;
        Some(fee.get_str("state").expect("a state").to_owned())
    }

    /// Leaves a fee behind as a crash would have.
    async fn leave_fee(&self, id: &str, state: &str, age_seconds: i64) {
        let created_at = DateTime::now().timestamp_millis() - age_seconds * 1_000;
        let fee = doc! {
            "_id": id,
            "userId": self.seller,
            "productId": ObjectId::new(),
            "amountCents": 100_i64,
            "state": state,
            "createdAt": DateTime::from_millis(created_at),
        };
        let fees = self.database.collection::<Document>("listing_fees");
        fees.insert_one(fee).await.expect("MongoDB");
    }

    async fn becomes_undone(&self, filter: Document) {
        eventually("the fee is given back", async || {
            let state = self.fee_state(filter.clone()).await;
            state.filter(|state| state == "undone")
        })
        .await;
    }
}

#[tokio::test]
async fn a_listing_settles_its_fee() {
    let shop = Shop::open().await;
    shop.stock(10).await;
    assert_eq!(shop.fee_state(doc! {}).await.as_deref(), Some("settled"));
    assert!(shop.ledger.reversals().is_empty());
}

#[tokio::test]
async fn a_charge_whose_answer_was_lost_is_given_back() {
    let shop = Shop::open().await;
    shop.ledger.lose_answers();
    let answer = shop.create(draft("Shirt", 1_000, 10)).await;
    assert_eq!(code(answer), Code::Unavailable);
    assert_eq!(shop.ledger.charges().len(), 1);
    assert_eq!(shop.ledger.taken(), 0);
    assert_eq!(shop.fee_state(doc! {}).await.as_deref(), Some("undone"));
    assert_eq!(shop.count().await, 0);
}

#[tokio::test]
async fn a_change_whose_charge_was_lost_is_given_back() {
    let shop = Shop::open().await;
    let product = shop.list("Shirt", 1_000, 10).await;
    shop.ledger.lose_answers();
    let answer = shop.update(new_price(&product, 2_000)).await;
    assert_eq!(code(answer), Code::Unavailable);
    assert_eq!(shop.ledger.taken(), 400);
    let stored = shop.stored(&product).await.unwrap();
    assert_eq!(stored.get_i64("priceCents").unwrap(), 1_000);
}

#[tokio::test]
async fn what_cannot_be_given_back_now_is_given_back_later() {
    let shop = Shop::sweeping(Sweeping::AtOnce).await;
    shop.ledger.lose_answers();
    shop.ledger.let_reversals_fail(true);
    let answer = shop.create(draft("Shirt", 1_000, 10)).await;
    assert_eq!(code(answer), Code::Unavailable);
    assert_eq!(shop.ledger.taken(), 400);
    assert_eq!(shop.fee_state(doc! {}).await.as_deref(), Some("reversing"));
    shop.ledger.let_reversals_fail(false);
    shop.becomes_undone(doc! {}).await;
    assert_eq!(shop.ledger.taken(), 0);
}

#[tokio::test]
async fn a_caller_who_vanishes_while_it_is_charged_pays_nothing() {
    let shop = Shop::sweeping(Sweeping::AtOnce).await;
    shop.ledger.keep_waiting();
    let (seller, mut gateway) = (shop.seller, shop.gateway());
    let calling = tokio::spawn(async move {
        let listing = draft("Shirt", 1_000, 10);
        acting_for(seller, gateway.create_product(listing)).await
    });
    eventually("the fee is in work", async || shop.fee_state(doc! {}).await).await;
    calling.abort();
    shop.becomes_undone(doc! {}).await;
    assert_eq!(shop.ledger.taken(), 0);
    assert_eq!(shop.count().await, 0);
}

#[tokio::test]
async fn a_listing_does_not_come_after_its_fee_was_given_back() {
    let shop = Shop::sweeping(Sweeping::AtOnce).await;
    shop.ledger.keep_waiting();
    let given_back = async {
        shop.becomes_undone(doc! {}).await;
        shop.ledger.answer();
    };
    let listing = shop.create(draft("Shirt", 1_000, 10));
    let (answer, ()) = tokio::join!(listing, given_back);
    // Either the charge came too late, or what it was for.
    let late = [Code::OperationVoided, Code::DeadlineExceeded];
    assert!(late.contains(&code(answer)));
    assert_eq!(shop.ledger.taken(), 0);
    assert_eq!(shop.count().await, 0);
}

#[tokio::test]
async fn only_old_and_open_fees_are_swept() {
    let shop = Shop::open().await;
    shop.leave_fee("fresh", "owed", 0).await;
    shop.leave_fee("settled", "settled", 3_600).await;
    shop.leave_fee("left-owed", "owed", 120).await;
    shop.leave_fee("left-reversing", "reversing", 61).await;
    shop.becomes_undone(doc! {"_id": "left-owed"}).await;
    shop.becomes_undone(doc! {"_id": "left-reversing"}).await;
    let fresh = shop.fee_state(doc! {"_id": "fresh"}).await;
    assert_eq!(fresh.as_deref(), Some("owed"));
    let settled = shop.fee_state(doc! {"_id": "settled"}).await;
    assert_eq!(settled.as_deref(), Some("settled"));
    let expected = ["left-owed", "left-reversing"].map(str::to_owned);
    assert_eq!(shop.ledger.reversals(), expected.into());
}
