use bson::oid::ObjectId;
use reen_error::Code;
use reen_proto::auth::v1::Role;
use reen_proto::products::v1::{CreateProductRequest, ProductChange};
use reen_testkit::{acting_for, body, code};

use super::support::{Shop, draft, fields, new_images, new_price, new_quantity};

#[tokio::test]
async fn a_listing_costs_four_percent_and_only_sellers_list() {
    let shop = Shop::open().await;
    shop.list("Shirt", 1_999, 10).await;
    // 4 % of 199.90 is 7.996.
    assert_eq!(shop.ledger.taken(), 800);
    let charges = shop.ledger.charges();
    assert_eq!(charges[0].user_id, shop.seller.to_hex());
    assert_eq!(charges[0].required_role(), Role::Seller);
}

#[tokio::test]
async fn a_free_listing_asks_for_the_role_all_the_same() {
    let shop = Shop::open().await;
    shop.list("Shirt", 1_999, 0).await;
    let charges = shop.ledger.charges();
    assert_eq!(charges.len(), 1);
    assert_eq!(charges[0].amount_cents, 0);
    assert_eq!(charges[0].required_role(), Role::Seller);
}

#[tokio::test]
async fn who_may_not_sell_or_cannot_pay_lists_nothing() {
    for refused in [Code::Forbidden, Code::InsufficientBalance] {
        let shop = Shop::open().await;
        shop.ledger.refuse(refused);
        assert_eq!(code(shop.create(draft("Shirt", 100, 1)).await), refused);
        assert_eq!(shop.count().await, 0);
        assert_eq!(shop.ledger.taken(), 0);
    }
}

#[tokio::test]
async fn every_failing_field_is_named() {
    let shop = Shop::open().await;
    let wrong = CreateProductRequest {
        name: "a".repeat(1_000_000),
        description: " ".to_owned(),
        price_cents: 0,
        quantity: -1,
        image_urls: vec!["https://ok.example".to_owned(), "no".to_owned()],
    };
    let answer = shop.create(wrong).await;
    let all = ["description", "imageUrls[1]", "name", "price", "quantity"];
    assert_eq!(fields(answer), all);
    let answer = shop.create(CreateProductRequest::default()).await;
    assert_eq!(
        fields(answer),
        ["description", "imageUrls", "name", "price"]
    );
    assert!(shop.ledger.charges().is_empty());
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_name() {
    let shop = Shop::open().await;
    let product = shop.list("Shirt", 1_000, 5).await;
    let change = ProductChange {
        id: product.id.clone(),
        name: Some("Hemd".to_owned()),
        ..ProductChange::default()
    };
    let changed = body(shop.update(change).await);
    assert_eq!(changed.name, "Hemd");
    assert_eq!(changed.version, product.version + 1);
    assert_eq!(changed.description, product.description);
    assert_eq!((changed.price_cents, changed.quantity), (1_000, 5));
    let images = ["https://img.example/2.png", "http://img.example/3.png"];
    let changed = body(shop.update(new_images(&product, &images)).await);
    assert_eq!(changed.image_urls, images);
    assert_eq!(changed.name, "Hemd");
}

#[tokio::test]
async fn only_added_value_costs() {
    let shop = Shop::open().await;
    let product = shop.list("Shirt", 1_000, 10).await;
    assert_eq!(shop.ledger.taken(), 400);
    body(shop.update(new_price(&product, 1_500)).await);
    assert_eq!(shop.ledger.taken(), 600);
    body(shop.update(new_quantity(&product, 20)).await);
    assert_eq!(shop.ledger.taken(), 1_200);
    let charges = shop.ledger.charges().len();
    body(shop.update(new_price(&product, 100)).await);
    body(shop.update(new_quantity(&product, 1)).await);
    assert_eq!(shop.ledger.taken(), 1_200);
    assert_eq!(shop.ledger.charges().len(), charges);
}

#[tokio::test]
async fn held_pieces_are_neither_charged_nor_lost() {
    let shop = Shop::open().await;
    let product = shop.list("Shirt", 1_000, 10).await;
    shop.hold(&product, 4).await;
    // Six pieces at 10.00 become eight: 4 % of 20.00.
    body(shop.update(new_quantity(&product, 8)).await);
    assert_eq!(shop.ledger.taken(), 400 + 80);
    assert_eq!(shop.piles(&product).await, (8, 4, 0));
    body(shop.update(new_quantity(&product, 0)).await);
    assert_eq!(shop.piles(&product).await, (0, 4, 0));
}

#[tokio::test]
async fn a_change_that_cannot_be_paid_changes_nothing() {
    let shop = Shop::open().await;
    let product = shop.list("Shirt", 1_000, 10).await;
    shop.ledger.refuse(Code::InsufficientBalance);
    let refused = shop.update(new_price(&product, 2_000)).await;
    assert_eq!(code(refused), Code::InsufficientBalance);
    let stored = shop.stored(&product).await.unwrap();
    assert_eq!(stored.get_i64("priceCents").unwrap(), 1_000);
    assert_eq!(stored.get_i64("version").unwrap(), 1);
}

#[tokio::test]
async fn another_version_is_refused_before_anything_is_paid() {
    let shop = Shop::open().await;
    let product = shop.list("Shirt", 1_000, 10).await;
    let stale = ProductChange {
        expected_version: Some(product.version),
        ..new_price(&product, 2_000)
    };
    body(shop.update(stale.clone()).await);
    let paid = shop.ledger.taken();
    let refused = shop.update(stale).await;
    assert_eq!(code(refused), Code::PreconditionFailed);
    assert_eq!(shop.ledger.taken(), paid);
}

#[tokio::test]
async fn an_empty_or_wrong_change_is_refused() {
    let shop = Shop::open().await;
    let product = shop.list("Shirt", 1_000, 10).await;
    let nothing = ProductChange {
        id: product.id.clone(),
        ..ProductChange::default()
    };
    assert_eq!(fields(shop.update(nothing).await), ["change"]);
    let wrong = ProductChange {
        name: Some(String::new()),
        quantity: Some(1_000_001),
        ..new_price(&product, -1)
    };
    assert_eq!(
        fields(shop.update(wrong).await),
        ["name", "price", "quantity"]
    );
    assert_eq!(
        fields(shop.update(new_images(&product, &[])).await),
        ["imageUrls"]
    );
}

#[tokio::test]
async fn somebody_elses_product_is_not_found() {
    let shop = Shop::open().await;
    let product = shop.stock(10).await;
    let other = ObjectId::new();
    let answer = shop.update_as(other, new_price(&product, 1)).await;
    assert_eq!(code(answer), Code::NotFound);
    let malformed = ProductChange {
        id: "shirt".to_owned(),
        ..new_price(&product, 1)
    };
    assert_eq!(code(shop.update(malformed).await), Code::NotFound);
}

#[tokio::test]
async fn only_the_gateway_changes_products_and_only_for_a_user() {
    let shop = Shop::open().await;
    let listing = || draft("Shirt", 100, 1);
    let answer = shop.gateway().create_product(listing()).await;
    assert_eq!(code(answer), Code::Unauthenticated);
    let mut checkout = shop.client("checkout");
    let answer = acting_for(shop.seller, checkout.create_product(listing())).await;
    assert_eq!(code(answer), Code::UnknownCaller);
}
