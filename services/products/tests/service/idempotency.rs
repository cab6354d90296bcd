//! Requests that sellers named: one product, one change, one fee, whatever dies in between.

use std::collections::HashSet;

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use futures::future::join_all;
use reen_chassis::{IdempotencyKey, RequestKey};
use reen_error::{Code, Failure};
use reen_proto::products::v1::item_outcome::Outcome;
use reen_proto::products::v1::{
    ItemOutcome, Product, ProductChange, UpdateProductRequest, UpdateProductsRequest,
};
use reen_testkit::{acting_once, code, settled};

use super::support::{Shop, draft, new_price};

/// What a listing of ten shirts at 10.00 costs.
const FEE: i64 = 400;

fn named(key: &str) -> IdempotencyKey {
    IdempotencyKey::new(key, [&b"what is asked for"[..]])
}

impl Shop {
    async fn create_once(&self, key: &IdempotencyKey) -> Result<Product, Failure> {
        let mut gateway = self.gateway();
        let listing = gateway.create_product(draft("Shirt", 1_000, 10));
        settled(acting_once(self.seller, key, listing).await)
    }

    async fn update_once(
        &self,
        key: &IdempotencyKey,
        change: ProductChange,
    ) -> Result<Product, Failure> {
        let change = Some(change);
        let mut gateway = self.gateway();
        let updating = gateway.update_product(UpdateProductRequest { change });
        settled(acting_once(self.seller, key, updating).await)
    }

    async fn update_all_once(
        &self,
        key: &IdempotencyKey,
        changes: Vec<ProductChange>,
    ) -> Vec<ItemOutcome> {
        let mut gateway = self.gateway();
        let updating = gateway.update_products(UpdateProductsRequest { changes });
        let updated = settled(acting_once(self.seller, key, updating).await);
        updated.unwrap().outcomes
    }

    /// Leaves a request behind whose process died when its fee was in this state; answers what it
    /// would have made.
    async fn left_behind(&self, key: &IdempotencyKey, fee_state: &str) -> ObjectId {
        let effect = ObjectId::new();
        let method = "/reen.products.v1.Products/CreateProduct";
        let key = RequestKey::new(&self.seller.to_hex(), method, key);
        let claimed = doc! {
            "_id": key.id(), "fingerprint": key.fingerprint(), "effect": effect,
            "claim": ObjectId::new(), "leaseUntil": DateTime::MIN, "claimedAt": DateTime::now(),
        };
        let requests = self.database.collection::<Document>("idempotency");
        requests.insert_one(claimed).await.unwrap();
        let fee = doc! {
            "_id": format!("listing-fee-{effect}"), "userId": self.seller, "productId": effect,
            "amountCents": FEE, "state": fee_state, "createdAt": DateTime::now(),
        };
        let fees = self.database.collection::<Document>("listing_fees");
        fees.insert_one(fee).await.unwrap();
        effect
    }
}

fn changed(outcome: &ItemOutcome) -> Option<&Product> {
    match &outcome.outcome {
        Some(Outcome::Product(product)) => Some(product),
        _ => None,
    }
}

#[tokio::test]
async fn twenty_repeats_list_one_product_for_one_fee() {
    let shop = Shop::open().await;
    let key = named("k");
    let outcomes = join_all((0..20).map(|_| shop.create_once(&key))).await;
    let mut ids = HashSet::new();
    for outcome in outcomes {
        match outcome {
            Ok(product) => drop(ids.insert(product.id)),
            Err(refused) => assert_eq!(refused.code, Code::IdempotencyInFlight),
        }
    }
    let again = shop.create_once(&key).await.unwrap();
    assert_eq!(ids, HashSet::from([again.id]));
    assert!(key.was_replayed());
    assert_eq!((shop.count().await, shop.ledger.taken()), (1, FEE));
}

#[tokio::test]
async fn a_refused_listing_may_be_asked_for_again_under_its_name() {
    let shop = Shop::open().await;
    shop.ledger.refuse(Code::InsufficientBalance);
    let refused = shop.create_once(&named("k")).await;
    assert_eq!(code(refused), Code::InsufficientBalance);
    let other = Shop::open().await;
    let listed = other.create_once(&named("k")).await.unwrap();
    assert_eq!(other.ledger.taken(), FEE);
    let fee_of = other.ledger.charges().remove(0).operation.unwrap().id;
    assert_eq!(fee_of, format!("listing-fee-{}", listed.id));
}

#[tokio::test]
async fn a_process_that_dies_between_fee_and_listing_is_gone_on_with() {
    let shop = Shop::open().await;
    let effect = shop.left_behind(&named("k"), "owed").await;
    let product = shop.create_once(&named("k")).await.unwrap();
    assert_eq!(product.id, effect.to_hex());
    assert_eq!((shop.count().await, shop.ledger.taken()), (1, FEE));
    let charges = shop.ledger.charges();
    assert_eq!(charges.len(), 1, "under the operation of the first");
}

#[tokio::test]
async fn a_fee_that_was_given_back_after_a_crash_is_charged_anew() {
    let shop = Shop::open().await;
    let effect = shop.left_behind(&named("k"), "undone").await;
    let late = shop.create_once(&named("k")).await;
    assert_eq!(code(late), Code::DeadlineExceeded);
    assert_eq!(shop.ledger.taken(), 0);
    let product = shop.create_once(&named("k")).await.unwrap();
    assert_ne!(product.id, effect.to_hex());
    assert_eq!((shop.count().await, shop.ledger.taken()), (1, FEE));
}

#[tokio::test]
async fn a_repeated_change_is_made_once_and_answered_as_it_was() {
    let shop = Shop::open().await;
    let product = shop.stock(10).await;
    for price in [2_000, 500] {
        let key = named(&price.to_string());
        let first = shop
            .update_once(&key, new_price(&product, price))
            .await
            .unwrap();
        let other = new_price(&product, 1_500);
        shop.update(other).await.unwrap();
        let again = shop
            .update_once(&key, new_price(&product, price))
            .await
            .unwrap();
        assert_eq!(again, first, "as it was, not as it is");
        let stored = shop.stored(&product).await.unwrap();
        assert_eq!(stored.get_i64("priceCents").unwrap(), 1_500);
    }
}

#[tokio::test]
async fn many_changes_are_each_made_once() {
    let shop = Shop::open().await;
    let (cheap, dear) = (shop.stock(10).await, shop.stock(10).await);
    let changes = vec![new_price(&cheap, 900), new_price(&dear, 2_000)];
    shop.ledger.refuse(Code::Unavailable);
    let key = named("k");
    let first = shop.update_all_once(&key, changes.clone()).await;
    assert_eq!(changed(&first[0]).unwrap().version, 2, "nothing to pay");
    assert_eq!(changed(&first[1]), None);
    // What failed for now is not the answer for a day: only the rest of it is done.
    let second = shop.update_all_once(&key, changes.clone()).await;
    assert_eq!(second[0], first[0]);
    let stored = shop.stored(&cheap).await.unwrap();
    assert_eq!(stored.get_i64("version").unwrap(), 2);
    assert!(!key.was_replayed());

    let shop = Shop::open().await;
    let (cheap, dear) = (shop.stock(10).await, shop.stock(10).await);
    let changes = vec![new_price(&cheap, 900), new_price(&dear, 2_000)];
    let first = shop.update_all_once(&key, changes.clone()).await;
    let again = shop.update_all_once(&key, changes).await;
    assert_eq!(again, first);
    assert!(key.was_replayed());
    let paid = shop.ledger.taken();
    assert_eq!(
        paid,
        3 * FEE,
        "two listings, and one change that added as much"
    );
}
