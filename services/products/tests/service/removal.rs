use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use reen_error::Code;
use reen_proto::products::v1::{GetProductRequest, Product, RemoveProductRequest};
use reen_testkit::{acting_for, body, code, eventually, refusal};
use tonic::Response;

use super::support::{Shop, Sweeping, draft, new_price};

const ANONYMOUS: &str = "000000000000000000000001";

impl Shop {
    pub(crate) async fn is_handed_over(&self, product: &Product) -> bool {
        self.stored(product).await.is_some_and(|stored| {
            let owner = stored.get_object_id("sellerId").expect("an owner");
            let is_hidden = !stored.get_bool("listed").expect("a flag");
            owner.to_hex() == ANONYMOUS && is_hidden && !stored.contains_key("removingSince")
        })
    }

    async fn is_shown(&self, product: &Product) -> bool {
        let request = GetProductRequest {
            id: product.id.clone(),
        };
        self.gateway().get_product(request).await.is_ok()
    }

    /// Leaves a removal behind as a crash right after hiding would have.
    async fn leave_half_removed(&self, product: &Product, age_seconds: i64) {
        let since = DateTime::now().timestamp_millis() - age_seconds * 1_000;
        let since = DateTime::from_millis(since);
        let id = ObjectId::parse_str(&product.id).expect("an id");
        let hidden = doc! {"$set": {"listed": false, "removingSince": since}};
        let products = self.database.collection::<Document>("products");
        let outcome = products.update_one(doc! {"_id": id}, hidden).await;
        assert_eq!(outcome.expect("MongoDB").matched_count, 1);
    }
}

#[tokio::test]
async fn what_was_never_ordered_is_deleted() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hold = shop.hold(&shirt, 1).await;
    body(shop.release(&hold).await);
    body(shop.remove(&shirt).await);
    assert!(shop.stored(&shirt).await.is_none());
    assert!(shop.carts.have_lost(&shirt.id));
    assert_eq!(code(shop.remove(&shirt).await), Code::NotFound);
}

#[tokio::test]
async fn what_was_sold_is_handed_over() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hold = shop.hold(&shirt, 1).await;
    body(shop.commit(&hold).await);
    body(shop.remove(&shirt).await);
    assert!(shop.is_handed_over(&shirt).await);
    assert!(shop.carts.have_lost(&shirt.id));
    assert_eq!(code(shop.remove(&shirt).await), Code::NotFound);
    let change = shop.update(new_price(&shirt, 1)).await;
    assert_eq!(code(change), Code::NotFound);
}

#[tokio::test]
async fn stock_that_comes_back_to_a_hidden_product_stays_hidden() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let sold = shop.hold(&shirt, 2).await;
    body(shop.commit(&sold).await);
    let held = shop.hold(&shirt, 1).await;
    body(shop.remove(&shirt).await);
    body(shop.give_back(&sold).await);
    body(shop.release(&held).await);
    assert_eq!(shop.piles(&shirt).await, (5, 0, 0));
    assert!(shop.is_handed_over(&shirt).await);
    assert!(!shop.is_shown(&shirt).await);
    let refused = refusal(shop.reserve("hold", &[(&shirt, 1)]).await);
    assert_eq!(refused.code, Code::InsufficientStock);
    assert_eq!(refused.fields[0].code, "not_found");
}

#[tokio::test]
async fn a_hidden_products_hold_can_still_be_sold() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let hold = shop.hold(&shirt, 2).await;
    body(shop.remove(&shirt).await);
    body(shop.commit(&hold).await);
    assert_eq!(shop.piles(&shirt).await, (3, 0, 2));
}

#[tokio::test]
async fn somebody_elses_product_stays() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    let request = || RemoveProductRequest {
        id: shirt.id.clone(),
    };
    let other = ObjectId::new();
    let answer = acting_for(other, shop.gateway().remove_product(request())).await;
    assert_eq!(code(answer), Code::NotFound);
    assert!(shop.is_shown(&shirt).await);
    let answer = shop.gateway().remove_product(request()).await;
    assert_eq!(code(answer), Code::Unauthenticated);
    let mut checkout = shop.client("checkout");
    let answer = acting_for(shop.seller, checkout.remove_product(request())).await;
    assert_eq!(code(answer), Code::UnknownCaller);
}

#[tokio::test]
async fn while_the_carts_are_away_a_product_is_hidden_and_kept() {
    let shop = Shop::open().await;
    let shirt = shop.stock(5).await;
    shop.carts.be_away(true);
    assert_eq!(code(shop.remove(&shirt).await), Code::Unavailable);
    assert!(!shop.is_shown(&shirt).await);
    assert!(shop.stored(&shirt).await.is_some());
    shop.carts.be_away(false);
    body(shop.remove(&shirt).await);
    assert!(shop.stored(&shirt).await.is_none());
}

#[tokio::test]
async fn a_removal_that_the_carts_missed_is_finished() {
    let shop = Shop::sweeping(Sweeping::AtOnce).await;
    let shirt = stock_despite_sweeping(&shop).await;
    shop.carts.be_away(true);
    assert_eq!(code(shop.remove(&shirt).await), Code::Unavailable);
    shop.carts.be_away(false);
    eventually("the product is deleted", async || {
        shop.stored(&shirt).await.is_none().then_some(())
    })
    .await;
    assert!(shop.carts.have_lost(&shirt.id));
}

/// A sweeper that waits for nothing may give back the fee of a listing in work.
async fn stock_despite_sweeping(shop: &Shop) -> Product {
    eventually("a listing escapes the sweeper", async || {
        let listing = shop.create(draft("Shirt", 1_000, 5)).await;
        listing.ok().map(Response::into_inner)
    })
    .await
}

#[tokio::test]
async fn only_removals_that_were_left_are_swept() {
    let shop = Shop::open().await;
    let never_ordered = shop.stock(5).await;
    let ordered = shop.stock(5).await;
    let in_work = shop.stock(5).await;
    shop.hold(&ordered, 1).await;
    shop.leave_half_removed(&in_work, 0).await;
    shop.leave_half_removed(&ordered, 120).await;
    shop.leave_half_removed(&never_ordered, 120).await;
    eventually("both are finished", async || {
        let is_deleted = shop.stored(&never_ordered).await.is_none();
        (is_deleted && shop.is_handed_over(&ordered).await).then_some(())
    })
    .await;
    let kept = shop.stored(&in_work).await.unwrap();
    assert!(kept.contains_key("removingSince"));
}
